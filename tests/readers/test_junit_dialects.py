"""Reports of real tools, read exactly; see tests/dialects/junit/README.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from devmind.readers.junit import read_junit

REPORTS = Path(__file__).parent.parent / "dialects" / "junit"

RUNS = {
    "ctest.xml": [
        ("cart.passes", "passed", 1, 0.0162968),
        ("cart.fails", "failed", 1, 0.0160719),
        ("cart.größe", "passed", 1, 0.0150057),
        ("cart.skips", "skipped", 1, 0.0154428),
        ("cart.disabled", "skipped", 1, 0.0),
        ("cart.missing", "skipped", 1, 0.0),
        ("cart.slow", "failed", 1, 1.05115),
    ],
    "gotestsum.xml": [
        ("example.com/shop/cart::TestTotal/rounds_円", "failed", 1, 0.0),
        ("example.com/shop/cart::TestTotal", "failed", 1, 0.01),
        ("example.com/shop/cart::TestPays", "failed", 1, 0.02),
        ("example.com/shop/cart::TestShips", "skipped", 1, 0.0),
        ("example.com/shop/cart::TestEmpty", "passed", 1, 0.0),
        ("example.com/shop/cart::TestPays", "passed", 2, 0.03),
        ("example.com/shop/warehouse::TestMain", "failed", 1, 0.0),
    ],
    "jest.xml": [
        ("cart::cart starts empty", "passed", 1, 0.039),
        ("cart::cart adds größe <&>", "failed", 1, 0.009),
        ("cart::cart ships", "skipped", 1, 0.0),
        ("cart::cart refunds", "passed", 1, 0.0),
        ("cart::cart totals rounds EUR to 2", "passed", 1, 0.023),
        ("cart::cart totals rounds 円 to 0", "passed", 1, 0.004),
        ("cart:: stands alone", "failed", 1, 0.001),
    ],
    "jest_file.xml": [
        ("cart::starts empty", "passed", 1, 0.017),
        ("cart::adds größe <&>", "failed", 1, 0.02),
        ("cart::ships", "skipped", 1, 0.0),
        ("cart::refunds", "passed", 1, 0.0),
        ("cart totals::rounds EUR to 2", "passed", 1, 0.001),
        ("cart totals::rounds 円 to 0", "passed", 1, 0.001),
        ("jest/cart.test.js::stands alone", "failed", 1, 0.006),
    ],
    "mocha.xml": [
        ("Root Suite::stands alone", "passed", 1, 0.005),
        ("cart::cart starts empty", "passed", 1, 0.0),
        ("cart::cart adds größe <&>", "failed", 1, 0.002),
        ("totals::cart totals rounds 円", "passed", 1, 0.0),
        ("totals::cart totals starts empty", "passed", 1, 0.0),
        ('warehouse::cart warehouse "before all" hook for "never runs"', "failed", 1, 0.0),
    ],
    "mocha_xunit.xml": [
        ("Mocha Tests::stands alone", "passed", 1, 0.0),
        ("cart::starts empty", "passed", 1, 0.0),
        ("cart::adds größe <&>", "failed", 1, 0.002),
        ("cart::ships", "skipped", 1, 0.0),
        ("cart::refunds", "skipped", 1, 0.0),
        ("cart totals::rounds 円", "passed", 1, 0.0),
        ("cart totals::starts empty", "passed", 1, 0.0),
        ('cart warehouse::"before all" hook for "never runs"', "failed", 1, 0.0),
    ],
    "node.xml": [
        ("cart::starts empty", "passed", 1, 0.00098),
        ("cart::adds größe <&>", "failed", 1, 0.001489),
        ("cart::ships", "skipped", 1, 0.00015),
        ("cart::refunds", "skipped", 1, 0.000204),
        ("cart::totals::rounds 円", "passed", 1, 0.001839),
        ("cart::totals::starts empty", "passed", 1, 0.00022),
        ("stands alone", "failed", 1, 0.000282),
        ("parent::child &quot;quoted&quot;", "passed", 1, 0.000531),
    ],
    "pytest.xml": [
        ("tests.test_shop::test_total", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[EUR]", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[\\u5186]", "failed", 1, 0.001),
        ("tests.test_shop::test_currency[\\u20b9/\\u20a8]", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[a b]", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[x::y]", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[[]]", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[<&>]", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[\\U0001f6d2]", "passed", 1, 0.001),
        ("tests.test_shop.TestCart::test_empty", "passed", 1, 0.001),
        ("tests.test_shop.TestCart::test_größe", "failed", 1, 0.001),
        ("tests.test_shop.TestCart::test_stock", "skipped", 1, 0.0),
        ("tests.test_shop.TestCart::test_known_bug", "skipped", 1, 0.001),
        ("tests.test_shop::test_order", "error", 1, 0.001),
        ("tests.test_shop::test_leak", "error", 1, 0.001),
        ("tests.test_shop::test_leak_after_failure", "failed", 1, 0.0),
        ("tests.test_shop::test_leak_after_failure", "error", 2, 0.0),
        ("tests.test_shop::test_flaky", "failed", 1, 0.001),
        ("tests.test_shop::test_flaky", "failed", 2, 0.001),
        ("tests.test_shop::test_flaky", "passed", 3, 0.003),
        ("tests.test_shop::test_always_fails", "failed", 1, 0.001),
        ("tests.test_shop::test_always_fails", "failed", 2, 0.001),
    ],
    "pytest_xdist.xml": [
        ("tests.test_shop::test_total", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[\\u5186]", "failed", 1, 0.001),
        ("tests.test_shop::test_currency[EUR]", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[a b]", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[x::y]", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[[]]", "passed", 1, 0.0),
        ("tests.test_shop::test_currency[<&>]", "passed", 1, 0.001),
        ("tests.test_shop::test_currency[\\U0001f6d2]", "passed", 1, 0.001),
        ("tests.test_shop.TestCart::test_empty", "passed", 1, 0.001),
        ("tests.test_shop.TestCart::test_größe", "failed", 1, 0.001),
        ("tests.test_shop::test_currency[\\u20b9/\\u20a8]", "passed", 1, 0.001),
        ("tests.test_shop.TestCart::test_known_bug", "skipped", 1, 0.0),
        ("tests.test_shop::test_order", "error", 1, 0.0),
        ("tests.test_shop.TestCart::test_stock", "skipped", 1, 0.0),
        ("tests.test_shop::test_leak", "error", 1, 0.0),
        ("tests.test_shop::test_leak_after_failure", "failed", 1, 0.0),
        ("tests.test_shop::test_leak_after_failure", "error", 2, 0.0),
        ("tests.test_shop::test_always_fails", "failed", 1, 0.001),
        ("tests.test_shop::test_flaky", "failed", 1, 0.001),
        ("tests.test_shop::test_always_fails", "failed", 2, 0.001),
        ("tests.test_shop::test_flaky", "failed", 2, 0.001),
        ("tests.test_shop::test_flaky", "passed", 3, 0.001),
    ],
    "surefire.xml": [
        ("shop.CartTest::startsEmpty", "passed", 1, 0.002),
        ("shop.CartTest::fillsTheWarehouse", "passed", 1, 1234.567),
        ("shop.CartTest::rounds(String, int)[2]", "passed", 1, 0.001),
        ("shop.CartTest::ships", "skipped", 1, 0.0),
        ("shop.CartTest::addsUp", "failed", 1, 0.003),
        ("shop.CartTest::addsUp", "failed", 2, 0.0),
        ("shop.CartTest::addsUp", "error", 3, 0.0),
        ("shop.CartTest::pays", "error", 1, 0.0),
        ("shop.CartTest::pays", "failed", 2, 0.0),
        ("shop.CartTest::pays", "passed", 3, 0.25),
        ("shop.WarehouseTest", "error", 1, 0.012),
    ],
    "vitest.xml": [
        ("cart.test.mjs::cart > starts empty", "passed", 1, 0.0042136),
        ("cart.test.mjs::cart > adds größe <&>", "failed", 1, 0.012585316),
        ("cart.test.mjs::cart > ships", "skipped", 1, 0.0),
        ("cart.test.mjs::cart > refunds", "skipped", 1, 0.0),
        ("cart.test.mjs::cart > totals > rounds EUR", "passed", 1, 0.000325648),
        ("cart.test.mjs::cart > totals > rounds 円", "passed", 1, 0.000518859),
        ("cart.test.mjs::cart > totals > starts empty", "passed", 1, 0.000256789),
        ("cart.test.mjs::cart > is flaky", "passed", 1, 0.001722537),
        ("cart.test.mjs::stands alone", "failed", 1, 0.001407679),
    ],
}

FILES = {
    "jest_file.xml": {"jest/cart.test.js"},
    "mocha.xml": {"", "/shop/mocha/cart.spec.js"},
    "mocha_xunit.xml": {"/shop/mocha/cart.spec.js"},
    "pytest_xdist.xml": {"tests/test_shop.py"},
}

MESSAGES = [
    ("ctest.xml", "cart.missing", "Unable to find executable"),
    ("gotestsum.xml", "example.com/shop/cart::TestPays", "Failed\n=== RUN   TestPays"),
    ("jest.xml", "cart:: stands alone", "Error: boom\n"),
    ("mocha.xml", "cart::cart adds größe <&>", "Expected values to be strictly equal:"),
    ("node.xml", "cart::adds größe <&>", "Expected values to be strictly equal:2 !== 3\n"),
    (
        "pytest.xml",
        "tests.test_shop.TestCart::test_größe",
        "AssertionError: assert 2 == 3\n +  where 2 = len",
    ),
    ("pytest.xml", "tests.test_shop.TestCart::test_known_bug", "known bug 17"),
    ("pytest.xml", "tests.test_shop::test_flaky", "This attempt failed and was run again"),
    (
        "surefire.xml",
        "shop.CartTest::pays",
        "java.net.SocketException: Connection reset\n\tat shop.CartTest.pays",
    ),
    ("vitest.xml", "cart.test.mjs::stands alone", "TypeError: boom\n"),
]


def read(report):
    with (REPORTS / report).open("rb") as stream:
        return read_junit(stream, name=report)


def test_every_report_is_expected():
    """
    No report lies in the folder that no test reads.
    """
    assert set(RUNS) == {path.name for path in REPORTS.glob("*.xml")}


@pytest.mark.parametrize("report", RUNS)
def test_names_verdicts_attempts_and_durations_are_those_of_the_tool(report):
    """
    Each dialect gives exactly the runs that its tool has seen, in the order of the file.
    """
    runs = [(run.name, str(run.verdict), run.attempt, run.duration_s) for run in read(report).runs]

    assert RUNS[report] == runs


@pytest.mark.parametrize("report", RUNS)
def test_a_name_and_attempt_occur_once(report):
    """
    A run is identified by its name and attempt within its report.
    """
    runs = [(run.name, run.attempt) for run in read(report).runs]

    assert len(runs) == len(set(runs))


@pytest.mark.parametrize("report", RUNS)
def test_files_are_kept_where_the_tool_names_them(report):
    """
    A test's file is that of its case, or of its suite, or empty.
    """
    assert FILES.get(report, {""}) == {run.file for run in read(report).runs}


@pytest.mark.parametrize(("report", "test", "beginning"), MESSAGES)
def test_messages_say_what_went_wrong(report, test, beginning):
    """
    The message of a test's first attempt begins with what the tool gives as the reason.
    """
    message = next(run.message for run in read(report).runs if run.name == test)

    assert beginning == message[: len(beginning)]
