from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.errors import InvalidInput
from tests.training.builders import examples
from training.examples import concatenate
from training.split import SplitPolicy, split

PARTS = ("fit", "stopping", "calibration", "test")


@st.composite
def histories(draw):
    """A project's builds with rows per build and with delays until the outcome is known."""
    builds = draw(st.integers(1, 60))
    rows = draw(st.lists(st.integers(1, 3), min_size=builds, max_size=builds))
    delays = draw(st.lists(st.integers(0, 30), min_size=builds, max_size=builds))
    sequence = np.repeat(np.arange(1, 2 * builds, 2), rows)
    return examples(sequence=sequence, known_at=sequence + np.repeat(delays, rows))


@given(histories())
def test_no_row_is_used_twice_and_builds_stay_together(history):
    """
    Every row is in at most one part, and rows of one build with one delay are in the same.
    """
    parts = split(history, SplitPolicy(needed=5))
    masks = np.stack([getattr(parts, name) for name in PARTS])

    assert masks.sum(axis=0).max() <= 1
    for sequence in np.unique(history.sequence):
        of_build = masks[:, history.sequence == sequence]
        assert (of_build == of_build[:, :1]).all()


@given(histories())
def test_each_part_was_known_before_the_next_began(history):
    """
    Whatever a part teaches was known before the first build of the next part was queued.
    """
    parts = split(history, SplitPolicy(needed=5))

    for earlier, later in pairwise(PARTS):
        taught = history.known_at[getattr(parts, earlier)]
        begins = history.sequence[getattr(parts, later)]
        if len(taught) and len(begins):
            assert taught.max() <= begins.min()


def test_the_newest_fifth_is_the_test():
    """
    Of 100 builds with prompt outcomes the newest 20 are the test, and no row is lost.
    """
    parts = split(examples(sequence=range(1, 101)), SplitPolicy())

    assert list(range(80, 100)) == np.flatnonzero(parts.test).tolist()
    assert [int(getattr(parts, name).sum()) for name in PARTS] == [54, 10, 16, 20]


def test_projects_have_clocks_of_their_own():
    """
    A project is split by its own order, whatever other projects there are.
    """
    shop = examples(sequence=range(1, 101))
    bank = examples(project="bank", sequence=range(1000, 1100))

    alone, together = split(shop, SplitPolicy()), split(concatenate([bank, shop]), SplitPolicy())

    assert alone.test.tolist() == together.test[100:].tolist()


def test_a_young_project_only_lends_its_rows():
    """
    A project with too few builds to be scored is used for fitting alone.
    """
    parts = split(examples(sequence=range(1, 11)), SplitPolicy(needed=30))

    assert parts.fit.all()


def test_rows_out_of_order_are_refused():
    """
    Splitting rows that are not in order of sequence would leak, so it is an error.
    """
    with pytest.raises(InvalidInput, match="not in order"):
        split(examples(sequence=[2, 1, 3]), SplitPolicy())


SHARES = ["test_share", "calibration_share", "stopping_share"]


@pytest.mark.parametrize(
    ("name", "share"),
    [
        (name, share)
        for name in SHARES
        for share in (0, 1, -0.1, 1.5)
        if (name, share) != (SHARES[0], 0)
    ],
)
def test_a_share_lies_between_0_and_1(name, share):
    """
    An impossible share is refused with its value.
    """
    with pytest.raises(InvalidInput, match=f"{name}: got '{share}'"):
        SplitPolicy(**{name: share})


def test_all_can_be_learned_from():
    """
    With a test share of 0 nothing is held out to score on; all the same, parts follow in time.
    """
    parts = split(examples(sequence=range(200)), SplitPolicy(test_share=0))

    assert not parts.test.any()
    assert parts.calibration[-1]
    assert parts.fit.argmin() <= parts.calibration.argmax()
