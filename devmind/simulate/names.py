"""The words of a simulated company: what its projects, files, tests and steps are called."""

from __future__ import annotations

from dataclasses import dataclass

OWNER = "simulated-company"
"""Every project's name starts with it, so that nobody takes it for a real one."""

PROJECTS = (
    "shop",
    "atlas",
    "ledger",
    "courier",
    "beacon",
    "harvest",
    "studio",
    "quarry",
    "lantern",
    "orchard",
    "compass",
    "foundry",
)

MODULES = (
    "core",
    "cart",
    "billing",
    "search",
    "accounts",
    "inventory",
    "shipping",
    "reports",
    "web",
)

CORE = "core"
WEB = "web"

SUBJECTS = (
    "totals",
    "rules",
    "store",
    "parser",
    "client",
    "events",
    "pages",
    "limits",
    "queue",
    "format",
    "access",
    "schema",
)

ASPECTS = (
    "empty",
    "rounds_up",
    "rejects_negative",
    "keeps_order",
    "is_idempotent",
    "handles_unicode",
    "times_out",
    "merges",
    "retries",
    "many_items",
    "defaults",
    "after_midnight",
)

LOGINS = (
    "amara-o",
    "bjorn-s",
    "chidi-e",
    "dalia-r",
    "emeka-n",
    "freya-l",
    "goran-p",
    "hana-k",
    "ines-m",
    "jonas-w",
    "kaori-t",
    "lucia-f",
)

BOT = "dependency-bot"

TOPICS = ("faster", "clearer", "safer", "missing", "wrong", "new", "old", "better")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """How a language lays out files and names its steps; `{m}` is a module, `{s}` a subject."""

    language: str
    source: str
    test: str
    classname: str
    case: str
    lock: str
    manifest: str
    setup: str
    install: str
    lint: str
    compile: str
    run_tests: str


PYTHON = Stack(
    language="python",
    source="src/{m}/{s}.py",
    test="tests/{m}/test_{s}.py",
    classname="tests.{m}.test_{s}",
    case="test_{a}",
    lock="poetry.lock",
    manifest="pyproject.toml",
    setup="Run actions/setup-python@v5",
    install="Install dependencies",
    lint="Run ruff",
    compile="Build wheel",
    run_tests="Run pytest",
)

TYPESCRIPT = Stack(
    language="typescript",
    source="src/{m}/{s}.ts",
    test="src/{m}/{s}.test.ts",
    classname="{m} {s}",
    case="{a}",
    lock="package-lock.json",
    manifest="package.json",
    setup="Run actions/setup-node@v4",
    install="Run npm ci",
    lint="Run eslint",
    compile="Run tsc",
    run_tests="Run jest",
)

JAVA = Stack(
    language="java",
    source="{m}/src/main/java/org/example/{m}/{s}.java",
    test="{m}/src/test/java/org/example/{m}/{s}Test.java",
    classname="org.example.{m}.{s}Test",
    case="{a}",
    lock="gradle.lockfile",
    manifest="build.gradle",
    setup="Run actions/setup-java@v4",
    install="Resolve dependencies",
    lint="Run checkstyle",
    compile="Compile",
    run_tests="Run tests",
)

STACKS = (PYTHON, TYPESCRIPT, JAVA)
