import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.ci import TestReport, TestRun, Verdict
from features.verdict_state import TestState
from features.verdicts.catalogue import Catalogue
from features.verdicts.path_tokens import Subjects, subject, tokens
from features.verdicts.together import HALF_LIFE, MAX_TESTS, Together
from features.verdicts.touched_together import home_of
from history.events import NamedTest
from tests.factories import finished, queued, stored
from tests.features.asking import fold, test_columns

KEEP = 2 ** (-1 / HALF_LIFE)
NAN = math.nan


def ran(i, *, files, failed=(), tests=("cart", "card", "menu")):
    """A build that changes *files* and runs *tests*, each in `tests/test_NAME.py`."""
    verdicts = {name: Verdict.FAILED if name in failed else Verdict.PASSED for name in tests}
    runs = tuple(
        TestRun(name=f"test_{name}", file=f"tests/test_{name}.py", verdict=verdict)
        for name, verdict in verdicts.items()
    )
    build = queued(str(i), at_s=3_600 * i, files=files)
    return finished(build, reports=[TestReport(name="unit", runs=runs)])


def ask(*files):
    return queued("ask", at_s=1_000_000, files=files)


def test_tests_that_failed_with_a_file_are_suspects():
    """
    The rate is failures over touches of the file (both fading) plus one, times the passing share.
    """
    builds = [
        ran(0, files=("src/cart.py",), failed=("cart",)),
        ran(1, files=("src/cart.py",)),
        ran(2, files=("doc/x.md",), failed=("menu",)),
    ]
    rates = test_columns(builds, ask("src/cart.py", "src/new.py"), "failed_with_file")
    expected = (2 / 3) * KEEP / (1 + KEEP + 1)

    assert rates["test_cart"] == [pytest.approx(expected, rel=1e-5)]
    assert rates["test_card"] == rates["test_menu"] == [0]


def test_directories_and_extensions_generalise():
    """
    A new file in a directory, or of a kind, that broke a test makes it a suspect too.
    """
    builds = [ran(0, files=("src/cart.py",), failed=("cart",))]
    names = ("failed_with_file", "failed_with_directory", "failed_with_extension")

    assert test_columns(builds, ask("src/new.py"), *names)["test_cart"] == pytest.approx(
        [0, 1 / 3, 1 / 3]
    )
    assert test_columns(builds, ask("web/new.py"), *names)["test_cart"] == pytest.approx(
        [0, 0, 1 / 3]
    )


def test_without_files_there_is_no_affinity():
    """
    A build whose files are not listed has no affinity, rather than an affinity of zero.
    """
    builds = [ran(0, files=("src/cart.py",), failed=("cart",))]
    names = ("failed_with_file", "own_file_touched", "path_similarity")
    row = test_columns(builds, ask(), *names)["test_cart"]

    assert all(math.isnan(value) for value in row)


def test_a_tests_own_file_and_directory():
    """
    A change to the test's file, or beside it, is seen, also from a module of a monorepo.
    """
    builds = [ran(0, files=())]
    names = ("own_file_touched", "own_directory_touched")

    own = test_columns(builds, ask("tests/test_cart.py"), *names)
    module = test_columns(builds, ask("services/shop/tests/test_cart.py"), *names)
    assert own["test_cart"] == module["test_cart"] == [1, 1]
    assert own["test_card"] == module["test_card"] == [0, 1]
    assert test_columns(builds, ask("src/cart.py"), *names)["test_cart"] == [0, 0]


def test_files_that_change_with_a_test_point_to_it():
    """
    A source that was always changed together with a test's file points to the test.
    """
    builds = [
        ran(0, files=()),
        ran(1, files=("src/cart.py", "tests/test_cart.py")),
        ran(2, files=("src/cart.py", "tests/test_cart.py")),
        ran(3, files=("src/card.py",)),
    ]
    rates = test_columns(builds, ask("src/cart.py"), "touched_with_file")

    assert rates["test_cart"] == [pytest.approx((1 + KEEP) / (2 + KEEP))]
    assert rates["test_card"] == [0]


def test_names_of_paths_and_tests_are_compared():
    """
    The test that shares rare words with the changed path is more similar than the others.
    """
    builds = [ran(0, files=())]
    rows = test_columns(builds, ask("src/shop/CartTotals.py"), "path_similarity", "path_overlap")

    assert rows["test_cart"][0] > rows["test_card"][0] >= 0
    assert 1 >= rows["test_cart"][1] > rows["test_card"][1]


def test_a_path_of_the_tests_words_alone_is_identical():
    """
    Similarity is 1 if path and test have the same words.
    """
    builds = [ran(0, files=())]
    row = test_columns(builds, ask("tests/test_menu.py"), "path_similarity", "path_overlap")

    assert row["test_menu"] == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("HTTPServerTest", ["http", "server", "test"]),
        ("test_add_2_items", ["test", "add", "items"]),
        ("checkout-flow.spec.ts", ["checkout", "flow", "spec", "ts"]),
        ("тестКорзины/购物车测试", ["тесткорзины", "购物车测试"]),
        ("", []),
    ],
)
def test_text_is_split_into_words(text, words):
    """
    Words end at punctuation, digits and capitals; other scripts stay whole.
    """
    assert tokens(text) == words


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("tests/test_cart.py", ("cart",)),
        ("src/shop/CartTest.java", ("cart",)),
        ("shop/CartIT", ("cart",)),
        ("web\\cart-totals.spec.ts", ("cart", "totals")),
        ("pkg/cart_totals_test.go", ("cart", "totals")),
        ("tests/test_base64.py", ("base", "64")),
        (".github/x/.travis.yml", ("travis",)),
        ("тестКорзины.py", ("тесткорзины",)),
        ("tests/test.py", ()),
        ("", ()),
    ],
)
def test_what_a_file_is_about(path, words):
    """
    The words of a file's name are its subject, without directories, endings and "test".
    """
    assert subject(path) == words


SUBJECTS = {
    "x": "tests/test_cart.py",
    "shop.CartTotalsTest.adds": "",
    "web/cart-card.spec.ts::adds": "",
    "menu_test": "",
    "TestHTTPServer": "",
    "spoken of in a sentence": "",
    "y": "tests/test.py",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["src/Cart.java"], [1, 0.5, 0.5, 0, 0, NAN, NAN]),
        (["src/cart_totals.py"], [0.5, 1, 0, 0, 0, NAN, NAN]),
        (["src/carttotals.py"], [0, 1, 0, 0, 0, NAN, NAN]),
        (["a/cart_totals.py", "b/card_cart.py"], [0.5, 1, 1, 0, 0, NAN, NAN]),
        (["menu.cc", "http_server.rs"], [0, 0, 0, 1, 1, NAN, NAN]),
        (["server/cart_menu_http_totals.go"], [0.25, 0.5, 0, 0.25, 0, NAN, NAN]),
        (["cart/__init__.py", "test.py"], [0, 0, 0, 0, 0, NAN, NAN]),
        ([], [NAN] * 7),
    ],
)
def test_tests_are_named_like_what_is_changed(files, expected):
    """
    A test of the same subject has 1, one with all words of the other the share in common.
    """
    runs = [TestRun(name=n, file=f, verdict=Verdict.PASSED) for n, f in SUBJECTS.items()]
    builds = [finished(queued("1"), reports=[TestReport(name="unit", runs=tuple(runs))])]
    rows = test_columns(builds, ask(*files), "subject_touched")
    got = [rows[name][0] for name in SUBJECTS]

    assert got == pytest.approx(expected, nan_ok=True)


WORDS = st.lists(st.sampled_from(["cart", "menu", "http", "64"]), min_size=1, max_size=4)


@given(st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, max_size=4))
def test_likeness_of_names_is_what_sets_of_words_say(tests, changed):
    """
    Whatever is asked at once, each test has its highest likeness with a changed file.
    """
    catalogue, subjects = Catalogue(), Subjects()
    files = ["test_" + "_".join(words) + ".py" for words in tests]
    named = [NamedTest(number=n, name=str(n), file=file) for n, file in enumerate(files)]
    catalogue.add(named, len(named))
    for count in (1, len(named)):
        subjects.grow(catalogue, count)
    touched = subjects.touched([f"src/{'-'.join(words)}.c" for words in changed])

    assert touched.tolist() == pytest.approx(
        [max((likeness(test, other) for other in changed), default=0) for test in tests]
    )


def likeness(one, other):
    """The documented likeness of two subjects, for one pair."""
    if "".join(one) == "".join(other):
        return 1.0
    ours, theirs = set(one), set(other)
    contained = ours <= theirs or theirs <= ours
    return len(ours & theirs) / len(ours | theirs) if contained else 0.0


@pytest.mark.parametrize(
    ("name", "file", "home"),
    [
        ("x", "./tests/a.py", "tests/a.py"),
        ("x", "tests\\a.py", "tests/a.py"),
        # pytest
        ("tests/a.py::T::x", "", "tests/a.py"),
        ("tests.core.test_client::x", "", "tests/core/test_client"),
        ("tests.core.client_test::x", "", "tests/core/client_test"),
        ("pkg.tests.test_a::x[1.5/b]", "", "pkg/tests/test_a"),
        ("tests.test_ioutils.TestSpooledStringIO::x", "", "tests/test_ioutils"),
        ("test_client::x", "", "test_client"),
        ("tests.checks::x", "", "tests/checks"),
        # unittest
        ("tests.test_client.TestClient.test_x", "", "tests/test_client"),
        ("test_client.test_x", "", "test_client"),
        ("test_x", "", ""),
        # jest
        ("src/cart.test.ts::cart adds an item. twice", "", "src/cart.test.ts"),
        ("cart adds::cart adds an item", "", ""),
        ("cart adds an item. twice", "", ""),
        # Maven
        ("org.shop.CartTest::adds", "", "org/shop/CartTest"),
        ("org.shop.CartTest$Inner::adds(int)[1]", "", "org/shop/CartTest"),
        ("CartTest::adds", "", "CartTest"),
        ("com.shop.CartTest", "", "com/shop/CartTest"),
        ("com.shop.CartTest.adds", "", "com/shop/CartTest"),
        ("com.shop.CartTest#adds", "", "com/shop/CartTest"),
        ("com.shop.cart#adds", "", "com/shop/cart"),
        # Go, Rust
        ("github.com/acme/shop/cart::TestAdds/twice", "", "github.com/acme/shop/cart"),
        ("TestCartAdds", "", ""),
        ("shop::cart::tests::adds", "", ""),
        # ctest
        ("cart_test::cart_test", "", "cart_test"),
        ("unit.cart_test", "", "unit/cart_test"),
        ("adds", "", ""),
        ("a..b::x", "", ""),
    ],
)
def test_where_a_test_lives(name, file, home):
    """
    The file is taken from the report, or else from the test's name as its tool writes it.
    """
    assert home_of(name, file) == home


def test_company_of_a_name_is_bounded():
    """
    Of a name that fails with everything, only the most frequent tests are remembered.
    """
    together = Together()
    together.learn(["a"], np.arange(MAX_TESTS + 50, dtype=np.int32))
    together.learn(["a"], np.array([MAX_TESTS + 49, MAX_TESTS + 60], dtype=np.int32), touch=False)
    rates = together.highest(["a"], MAX_TESTS + 100)

    assert np.count_nonzero(rates) == MAX_TESTS


def test_a_broken_build_accuses_no_file():
    """
    When most tests fail, the change's files are hardly to blame.
    """
    builds = [ran(0, files=("src/cart.py",), failed=("cart", "card", "menu"))]

    assert test_columns(builds, ask("src/cart.py"), "failed_with_file")["test_cart"] == [0]


def test_affinity_survives_a_snapshot_with_new_tests_after_it():
    """
    A thawed state finds homes and words of old and new tests as if it had never been frozen.
    """
    builds = [ran(i, files=("src/cart.py",), failed=("cart",)) for i in range(3)]
    builds.append(ran(3, files=("src/menu.py",), tests=("cart", "soup")))
    events = stored(builds)
    whole = fold(TestState(), events)
    thawed = fold(TestState.thaw(fold(TestState(), events[:6]).freeze()), events)
    tests = np.arange(len(whole.tests), dtype=np.int32)
    build = ask("src/cart.py", "tests/test_soup.py")

    np.testing.assert_array_equal(whole.read(build, tests), thawed.read(build, tests))
