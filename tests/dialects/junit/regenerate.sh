#!/bin/sh
# Writes the reports that real tools can write here again; see README.md.
# Needs python3, node, npm and cmake. Durations change with every run: so do those in
# tests/readers/test_junit_dialects.py.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
shop=$scratch/shop
mkdir -p "$shop/tests" "$shop/jest" "$shop/node" "$shop/mocha" "$shop/vitest" "$scratch/ctest" "$scratch/out"
cp "$here/sources/pytest/test_shop.py.txt" "$shop/tests/test_shop.py"
cp "$here/sources/jest/cart.test.js" "$shop/jest/"
cp "$here/sources/node/cart.test.mjs" "$shop/node/"
cp "$here/sources/mocha/cart.spec.js" "$shop/mocha/"
cp "$here/sources/vitest/cart.test.mjs" "$shop/vitest/"
cd "$shop"

python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet pytest==9.2.0 pytest-rerunfailures==16.7 pytest-xdist==3.8.0
touch pytest.ini
pytest="$scratch/venv/bin/pytest -q -p no:cacheprovider -W ignore tests"
$pytest -p no:xdist --junitxml="$scratch/out/pytest.xml" || true
$pytest -n 2 -o junit_family=xunit1 --junitxml="$scratch/out/pytest_xdist.xml" || true

npm init --yes >/dev/null
npm install --silent jest@30.5.2 jest-junit@17.0.0 mocha@11.8.0 mocha-junit-reporter@2.2.1 vitest@4.1.12
JEST_JUNIT_OUTPUT_FILE=$scratch/out/jest.xml \
    npx jest --ci --rootDir jest --reporters=jest-junit || true
JEST_JUNIT_ADD_FILE_ATTRIBUTE=true JEST_JUNIT_CLASSNAME='{classname}' JEST_JUNIT_TITLE='{title}' \
    JEST_JUNIT_SUITE_NAME='{filepath}' JEST_JUNIT_OUTPUT_FILE=$scratch/out/jest_file.xml \
    npx jest --ci --rootDir jest --reporters=jest-junit || true
npx mocha mocha/cart.spec.js --reporter mocha-junit-reporter \
    --reporter-options "mochaFile=$scratch/out/mocha.xml" || true
npx mocha mocha/cart.spec.js --reporter xunit >"$scratch/out/mocha_xunit.xml" || true
npx vitest run --root vitest --reporter=junit --outputFile="$scratch/out/vitest.xml" || true
node --test --test-reporter=junit node/cart.test.mjs >"$scratch/out/node.xml" || true

cmake -S "$here/sources/ctest" -B "$scratch/ctest" >/dev/null
(cd "$scratch/ctest" && ctest --output-junit "$scratch/out/ctest.xml") || true

for report in "$scratch"/out/*.xml; do
    sed -e "s#$scratch##g" -e 's/hostname="[^"]*"/hostname="localhost"/g' \
        -e 's/timestamp="[^"]*"/timestamp="2026-01-31T12:00:00"/g' \
        -e 's#^ *at [^<]*node_modules[^<]*##' "$report" | cat -s >"$here/$(basename "$report")"
done
