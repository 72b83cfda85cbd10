import ast
from datetime import timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.change_affinity import PACKAGE
from benchmarks.own_history import breaking, harmless
from benchmarks.own_history.builds import finished_builds
from benchmarks.own_history.comparison import AFFINITY, Compared, columns_of, compare, interval
from benchmarks.own_history.developer import Commit, Kind, Team
from benchmarks.own_history.making import START
from benchmarks.own_history.mutations import BREAKING, HARMLESS, mutate
from benchmarks.own_history.path_rule import path_scores, subject, subjects
from benchmarks.own_history.recorder import Suite, record
from benchmarks.own_history.releases import read_releases
from benchmarks.own_history.replaying import replayed
from benchmarks.own_history.repository import Repository
from benchmarks.own_history.source import Source
from benchmarks.own_history.tables import verdict
from devmind.errors import UnreadableSource
from features.verdict_state import TestState
from tests.conftest import ROOT

SAMPLE = '''
def total(items, start=0):
    """Sum what is positive."""
    result = start
    for item in items:
        if item > 0:
            result = result + item
    done = True
    return result if done else None


def pair(first, second):
    """Say both."""
    both = (
        (first)
        # the comment says ==
        == second
    )
    text = f"{first:{3}}"
    return divmod(first, second), both, text
'''


def outcome(text):
    """What the functions of a module return."""
    names = {}
    exec(compile(text, "sample", "exec"), names)  # noqa: S102 - our own text
    asked = [("total", ([2, 0, -1],)), ("total", ([1, 2], 5)), ("pair", (7, 2)), ("pair", (3, 3))]
    results = []
    for name, arguments in asked:
        try:
            results.append(names[name](*arguments))
        except (TypeError, ValueError) as error:
            results.append(type(error).__name__)
    return results


def every_edit(operators, text):
    source = Source(text)
    for operator in operators:
        for function in source.functions():
            for edits in operator(source, function):
                yield operator.__name__, source.apply(edits)


@pytest.mark.parametrize("operator", BREAKING, ids=lambda one: one.__name__)
def test_breaking_operators_change_what_happens(operator):
    """
    Every operator that is declared breaking gives valid Python, and some edit of it other results.
    """
    results = [outcome(changed) for _, changed in every_edit([operator], SAMPLE)]

    assert any(result != outcome(SAMPLE) for result in results)


@pytest.mark.parametrize("operator", HARMLESS, ids=lambda one: one.__name__)
def test_harmless_operators_change_nothing(operator):
    """
    Every edit of an operator that is declared harmless changes the text and no result.
    """
    changed = [text for _, text in every_edit([operator], SAMPLE)]

    assert changed
    assert all(text != SAMPLE and outcome(text) == outcome(SAMPLE) for text in changed)


@pytest.mark.parametrize(
    ("operator", "before", "after"),
    [
        (breaking.flip_comparison, "return (a) == (b)", "return (a) != (b)"),
        (breaking.flip_comparison, "return a not in b", "return a in b"),
        (breaking.swap_sign, "return (a + b)", "return (a - b)"),
        (breaking.off_by_one, "return a[1:]", "return a[2:]"),
        (breaking.flip_flag, "return True", "return False"),
        (breaking.drop_return, "return (a,\n        b)", "return None"),
        (breaking.negate_condition, "return 1 if a else b", "return 1 if (not (a)) else b"),
        (breaking.swap_arguments, "return g(a, b.c)", "return g(b.c, a)"),
        (harmless.rename_local, "ä = a; return ä", "ä_value = a; return ä_value"),
    ],
)
def test_an_edit_touches_its_place_alone(operator, before, after):
    """
    Only the operator, constant, name or statement itself is replaced.
    """
    text = f"def f(a, b):\n    {before}\n"

    assert f"def f(a, b):\n    {after}\n" in [
        changed for _, changed in every_edit([operator], text)
    ]


@pytest.mark.parametrize(
    "body",
    [
        "x = 1\n    return locals()",
        "x = 1\n    return lambda: x",
        "global x\n    x = 1",
        "a = 1\n    return a",
    ],
)
def test_names_that_others_may_see_are_kept(body):
    """
    Arguments, globals, names seen by inner scopes or by `locals()` are not renamed.
    """
    text = f"def f(a):\n    {body}\n"

    assert list(every_edit([harmless.rename_local], text)) == []


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_real_code_stays_valid(seed):
    """
    Whatever is chosen, real modules stay Python; comments and blank lines leave their syntax.
    """
    text = (ROOT / "devmind" / "readers" / "git.py").read_text()
    broken = mutate(text, BREAKING, Random(seed))
    kept = mutate(text, (harmless.add_comment, harmless.add_blank_line), Random(seed))

    assert ast.dump(ast.parse(broken.text)) != ast.dump(ast.parse(text))
    assert kept.text != text
    assert ast.dump(ast.parse(kept.text)) == ast.dump(ast.parse(text))


def release(count=4):
    modules = {
        f"shop/part{n}.py": f"def value(x):\n    y = x + {n + 1}\n    return y\n"
        for n in range(count)
    }
    tests = {
        f"tests/test_part{n}.py": f"def test_it():\n    y = part{n}.value(1)\n    assert y\n"
        for n in range(count)
    }
    return {path: text.encode() for path, text in (modules | tests).items()}


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), count=st.integers(3, 40))
def test_every_mistake_is_mended(seed, count):
    """
    Modules differ from harmless ones only between a mistake and its fix; releases put all right.
    """
    first, second = release(3), release(4)
    team = Team(Random(seed), package="shop", tests="tests")
    made = list(team.commits([("1", first), ("2", second)], count, every=count // 2))
    releases = [n for n, commit in enumerate(made) if commit.kind is Kind.RELEASE]

    assert len(made) == count
    assert len(releases) == 2
    tree, wrong = {}, set()
    for number, commit in enumerate(made):
        assert commit.files
        tree |= commit.files
        if commit.kind is Kind.RELEASE:
            wrong = set()
            assert tree == (first if number == 0 else tree | second)
        now = {path for path, body in tree.items() if body and _is_wrong(path, body)}
        assert len(now - wrong) <= (commit.kind is Kind.BREAKING)
        assert not now - wrong or now - wrong <= commit.files.keys()
        assert commit.kind is not Kind.FIX or now < wrong
        wrong = now


def _is_wrong(path, body):
    names = {}
    if not path.startswith("shop/"):
        return False
    exec(compile(body, path, "exec"), names)  # noqa: S102 - our own text
    return names["value"](10) != 11 + int(path.removesuffix(".py")[-1])


def test_the_same_seed_gives_the_same_commits():
    """
    Recorded verdicts are found again by the commits' hashes, also when more commits are wanted.
    """
    plans = [
        list(Team(Random(5), package="shop", tests="tests").commits([("1", release())], count))
        for count in (20, 30)
    ]

    assert plans[0] == plans[1][:20]


SHOP = {
    "shop/__init__.py": "",
    "shop/cart.py": "def total(prices):\n    return sum(prices)\n",
    "shop/menu.py": "def dishes():\n    return ['soup']\n",
    "shop/till.py": "def change(paid, due):\n    return paid - due\n",
    "tests/test_a.py": "from shop.cart import total\ndef test_total(): assert total([1, 2]) == 3\n"
    "def test_nothing(): assert total([]) == 0\n",
    "tests/test_b.py": "from shop.menu import dishes\ndef test_soup(): assert 'soup' in dishes()\n"
    "def test_one(): assert len(dishes()) == 1\n",
    "tests/test_c.py": "from shop.till import change\ndef test_change(): assert change(5, 3) == 2\n"
    "def test_none(): assert change(3, 3) == 0\n",
}
STEPS = (
    {"shop/cart.py": "def total(prices):\n    return sum(prices) + 1\n"},
    {"shop/cart.py": SHOP["shop/cart.py"]},
    {"shop/menu.py": "def dishes():\n    return []\n"},
    {"shop/menu.py": SHOP["shop/menu.py"]},
    {"shop/cart.py": "def total(prices):\n    return sum(prices) - 1\n"},
    {"shop/till.py": "import os\nos._exit(3)\n", "shop/cart.py": SHOP["shop/cart.py"]},
    {"shop/till.py": SHOP["shop/till.py"]},
)


@pytest.fixture(name="shop", scope="module")
def _shop(tmp_path_factory):
    """A package with three modules, its tests really run at every commit."""
    folder = tmp_path_factory.mktemp("shop")
    repository = Repository(folder / "repository")
    hashes = []
    for number, files in enumerate((SHOP, *STEPS)):
        bodies = {path: text.encode() for path, text in files.items()}
        commit = Commit(kind=Kind.HARMLESS, author="ann", message="Work", files=bodies)
        hashes.append(repository.commit(commit, START + timedelta(hours=number)))
    reports = record(repository, hashes, Suite(tests="tests"), folder / "junit")
    builds = list(finished_builds(repository.folder, reports, project="acme/shop", start=START))
    return repository, hashes, builds, folder / "junit"


def failing(build):
    return {run.name for report in build.reports for run in report.runs if run.verdict.failing}


def test_the_recorder_runs_the_tests_of_every_commit(shop):
    """
    Verdicts and changed files are those of the commit; a run that is cut off has failed.
    """
    _, hashes, builds, _ = shop

    assert [build.build.change.commit for build in builds] == hashes
    assert {file.path for file in builds[1].build.change.files} == {"shop/cart.py"}
    assert failing(builds[1]) == {"tests.test_a::test_total", "tests.test_a::test_nothing"}
    assert failing(builds[3]) == {"tests.test_b::test_soup", "tests.test_b::test_one"}
    assert not failing(builds[0]) | failing(builds[2]) | failing(builds[7])
    assert list(builds[6].reports) == []
    assert [str(build.outcome.status) for build in builds] == [
        "passed",
        "failed",
        "passed",
        "failed",
        "passed",
        "failed",
        "failed",
        "passed",
    ]


def test_what_was_recorded_is_not_run_again(shop):
    """
    A second recording reads what the first one kept.
    """
    repository, hashes, _, junit = shop
    before = {path: path.stat().st_mtime_ns for path in junit.iterdir()}
    record(repository, hashes, Suite(tests="no such folder"), junit)

    assert before == {path: path.stat().st_mtime_ns for path in junit.iterdir()}


def test_affinity_finds_the_tests_of_a_module(shop):
    """
    After one failure with a module, its tests are more suspect than others when it changes again.
    """
    _, _, builds, _ = shop
    _, examples = replayed("acme/shop", builds)
    fifth = np.unique(examples.sequence)[5]
    asked = examples.sequence == fifth
    suspect = examples.column("failed_with_file")

    covering = asked & examples.failed
    assert covering.sum() == 2
    assert suspect[covering].min() > suspect[asked & ~examples.failed].max()


def test_a_comparison_counts_what_it_should(shop):
    """
    A perfect order has the best APFD, and only tests that passed before count as first failures.
    """
    _, _, builds, _ = shop
    _, examples = replayed("acme/shop", builds)
    asked = np.ones(len(examples), dtype=bool)
    scores = {"right": examples.failed * 1.0, "wrong": examples.failed * -1.0}
    found = compare(examples, asked, scores, first_failures=True)

    assert (found.builds, found.failures) == (3, 6)
    assert found.values["right"]["apfd"] == pytest.approx([5 / 6] * 3)
    assert found.values["wrong"]["apfd"] == pytest.approx([1 / 6] * 3)


def test_a_path_names_the_tests_of_its_own_file(shop):
    """
    The path rule takes tests of a changed file, and nothing that is only named otherwise.
    """
    _, _, builds, _ = shop
    events, examples = replayed("acme/shop", builds)
    first = examples.sequence == examples.sequence.min()

    assert path_scores(events, examples).tolist() == first.tolist()


@pytest.mark.parametrize(
    ("name", "file", "about"),
    [
        ("tests.test_cart::test_adds", "", {"cart"}),
        ("tests.test_cart.TestTotals::test_adds", "", {"cart", "totals"}),
        ("org.shop.CartTest::adds", "", {"org", "shop", "cart"}),
        ("cart adds", "src/core/cart.test.ts", {"cart"}),
    ],
)
def test_what_a_test_is_named_for(name, file, about):
    """
    A test is about what its file or its classes are called, without the word test.
    """
    assert about == subjects(name, file) - {""}
    assert subject("src/Cart.java") == "cart"


def test_affinity_columns_are_known_to_the_product():
    """
    What is left out is there, with the ranks by it, and leaves the rest.
    """
    columns = columns_of(AFFINITY, TestState.groups)

    assert {"failed_with_file", "rank_failed_with_file"} <= columns < set(TestState.names)
    assert all(TestState.groups[group] for group in AFFINITY)


def test_an_interval_holds_the_mean_and_is_narrow_where_nothing_varies():
    """
    The bootstrap interval is about the mean.
    """
    low, high = interval(np.array([0.0, 1.0] * 50))

    assert low < 0.5 < high
    assert interval(np.full(9, 0.25)) == (0.25, 0.25)


@pytest.mark.parametrize(("gain", "said"), [(0.1, "helps"), (0.0, "cannot"), (-0.1, "HARMS")])
def test_the_verdict_is_what_the_difference_says(gain, said):
    """
    Help is only claimed if the whole interval is above 0.
    """
    base = np.linspace(0.4, 0.6, 20)
    values = {
        "forest": {"apfd": base + gain},
        "forest without change affinity": {"apfd": base},
    }
    helps, text = verdict("x", Compared(values=values, builds=20, failures=20))

    assert (helps, said in text) == (gain > 0, True)


def test_a_release_that_cannot_be_had_is_said(tmp_path):
    """
    A damaged archive is named, instead of a traceback; no network is needed to see it.
    """
    (tmp_path / "boltons-23.1.0.tar.gz").write_bytes(b"no archive")

    with pytest.raises(UnreadableSource, match=r"boltons-23\.1\.0"):
        list(read_releases(PACKAGE, tmp_path))
