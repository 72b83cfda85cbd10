"""The catalogue of tests: what a list and a dictionary would say, in less memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.verdicts.catalogue import Catalogue
from features.verdicts.columns import Columns
from history.events import NamedTest

NAMES = st.sampled_from(["test_a", "test_b", "тест", "\ud800", "tests/a.py::test[é]", "a" * 300])
FILES = st.sampled_from(["", "tests/a.py", "tests/b.py", "тесты/в.py"])
REPORTS = st.lists(st.lists(st.tuples(NAMES, FILES, st.integers(0, 2)), max_size=5), max_size=6)


@given(REPORTS)
def test_a_catalogue_is_a_list_of_names_and_files(reports):
    """
    Whatever is entered in whatever steps, numbers, names and files are those that came last.
    """
    catalogue, names, files = Catalogue(), [], []
    for told in reports:
        tests = []
        for name, file, skipped in told:
            number = len(names) + skipped
            names += [""] * (number + 1 - len(names))
            files += [""] * (number + 1 - len(files))
            names[number], files[number] = name, file
            tests.append(NamedTest(number=number, name=name, file=file))
        catalogue.add(tests, len(names))
    thawed = Catalogue()
    thawed.thaw(catalogue.freeze())

    for one in (catalogue, thawed):
        _says(one, names, files)


def _says(catalogue, names, files):
    numbers = {name: number for number, name in enumerate(names) if name}
    asked = [*names, "nobody", ""]

    assert len(names) == len(catalogue)
    assert [names, files] == catalogue.freeze()
    assert [numbers.get(name, -1) for name in asked] == catalogue.numbers(asked).tolist()
    assert [numbers.get(name) for name in asked] == [catalogue.number(name) for name in asked]
    assert names == [catalogue.name(number) for number in range(len(names))]
    assert [*names, ""] == catalogue.names([*range(len(names)), -1])


def test_a_name_may_come_later():
    """
    A test whose name was not told at first is found by it once it is.
    """
    catalogue = Catalogue()
    catalogue.add([], 2)
    catalogue.add([NamedTest(number=0, name="late", file="tests/late.py")], 2)

    assert (catalogue.number("late"), catalogue.file(0), catalogue.name(1)) == (
        0,
        "tests/late.py",
        "",
    )


def test_columns_refuse_what_they_cannot_hold_exactly():
    """
    A frozen number that would be rounded is refused, so that a row never differs after thawing.
    """
    rows = np.array([[0.5, 3.0]])
    kept = [np.float16, np.int32]
    Columns([0.0, 0.0], np.float64, kept=kept).thaw([rows, rows])

    for wrong in (0.1, 2.0**60, np.nan):
        with pytest.raises(ValueError, match="cannot have"):
            Columns([0.0, 0.0], np.float64, kept=kept).thaw([rows, np.array([[0.5, wrong]])])
