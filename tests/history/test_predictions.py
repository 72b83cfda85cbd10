from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from history.linking import EVENTS_BEFORE, Told, fitting
from history.open import open_predictions
from history.predicted import Prediction, Step
from tests.history.builders import NOON

MODEL = "build_optimizer"


@pytest.fixture(name="predictions")
def _predictions(database_url):
    store = open_predictions(database_url)
    yield store
    store.close()


def said(build_id="b1", **fields):
    values = {
        "model": MODEL,
        "version": "1",
        "role": "champion",
        "made_by": "service",
        "made_at": NOON,
        "as_of": 5,
        "project": "shop",
        "pipeline": "ci.yml",
        "build_id": build_id,
        "body": b"said",
    }
    return Prediction(**{**values, **fields})


def told(build_id="b1", **fields):
    values = {
        "build_id": build_id,
        "pipeline": "ci.yml",
        "branch": "main",
        "commit": "c1",
        "queued": 5,
        "known_at": 9,
        "failed": False,
        "duration_s": 60.0,
        "failing": np.zeros(0, dtype=np.int32),
    }
    return Told(**{**values, **fields})


def step(*, before=None, after=9, made=(), known=()):
    return Step(
        model=MODEL,
        project="shop",
        before=before,
        after=after,
        drift=b"{}",
        made=made,
        told=known,
        now=NOON,
    )


def judge(body, build):
    return body + b" " + build.build_id.encode()


def test_the_first_prediction_of_a_version_stays(predictions):
    """
    A build has one prediction of each version: the first that a caller was given.
    """
    predictions.remember([said(body=b"first"), said(version="2"), said(body=b"second")])
    predictions.remember([said(body=b"third")])

    assert [(p.version, p.body) for p in predictions.of_build("b1")] == [
        ("1", b"first"),
        ("2", b"said"),
    ]


def test_an_answer_stands_above_the_watchers_own(predictions):
    """
    What a caller was given replaces what the watcher said for itself, never the other way round.
    """
    own = said(made_by="watcher", body=b"own")
    predictions.advance(step(made=[own]), judge)
    predictions.remember([said(body=b"given")])
    predictions.advance(step(before=9, after=10, made=[own]), judge)

    assert [(p.made_by, p.body) for p in predictions.of_build("b1")] == [("service", b"given")]


def test_an_outcome_is_written_once(predictions):
    """
    What came of a build is written when it ends, and a second telling or a late answer changes it
    no more.
    """
    predictions.remember([said()])
    first = predictions.advance(step(known=[told()]), judge)
    second = predictions.advance(step(before=9, after=12, known=[told(known_at=12)]), judge)
    predictions.remember([said(body=b"late")])

    assert [p.outcome for p in first] == [b"said b1"]
    assert second == []
    (kept,) = predictions.scored(MODEL, "shop", "1", limit=10)
    assert (kept.body, kept.outcome, kept.known_at) == (b"said", b"said b1", 9)


def test_what_was_said_after_the_end_does_not_count(predictions):
    """
    An answer that rests on the build's own end is dropped.
    """
    predictions.remember([said(as_of=9)])

    assert predictions.advance(step(known=[told(known_at=9)]), judge) == []
    assert predictions.of_build("b1") == []


def test_of_several_watchers_one_wins(predictions):
    """
    Of replicas that look at the same events at once one writes; the others write nothing.
    """
    predictions.remember([said(f"b{n}") for n in range(5)])
    known = [told(f"b{n}", known_at=9 + n) for n in range(5)]

    def advance(_):
        return predictions.advance(step(after=20, known=known), judge)

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(advance, range(6)))

    assert sorted(len(judged) for judged in found if judged is not None) == [5]
    assert predictions.advance(step(before=9, after=21), judge) is None
    assert predictions.watches(MODEL)["shop"].as_of == 20


def test_a_question_without_a_build_finds_it(predictions):
    """
    A question that named a commit or a branch is taken to be about the build of it, once.
    """
    asked = [
        said(None, commit="c1", branch="main", as_of=4, body=b"before"),
        said(None, commit="c1", branch="main", as_of=4, body=b"again"),
        said(None, commit="other", branch="main", as_of=4),
        said(None, branch="main", as_of=4, version="2", role="shadow"),
    ]
    predictions.remember(asked)
    predictions.advance(step(made=[said(made_by="watcher", body=b"own")]), judge)
    predictions.advance(step(before=9, after=10, known=[told()]), judge)

    assert {(p.version, p.body) for p in predictions.of_build("b1")} == {
        ("1", b"before"),
        ("2", b"said"),
    }
    assert predictions.forget_unlinked(now=NOON + timedelta(days=1)) == 0
    assert predictions.forget_unlinked(now=NOON + timedelta(days=3)) == 2


def test_pairs_are_builds_that_both_versions_answered(predictions):
    """
    Champion and shadow are paired by build; a build that one of them did not see is left out.
    """
    both = [said(f"b{n}", version=v, body=v.encode()) for n in range(3) for v in ("1", "2")]
    predictions.remember([*both, said("b8"), said("b9", version="2")])
    ends = [told(f"b{n}", known_at=20 + n) for n in (0, 1, 2, 8, 9)]
    predictions.advance(step(after=30, known=ends), judge)

    pairs = predictions.pairs(MODEL, "1", "2", limit=2)

    assert [(a.build_id, a.body, b.build_id, b.body) for a, b in pairs] == [
        ("b2", b"1", "b2", b"2"),
        ("b1", b"1", "b1", b"2"),
    ]


def test_a_lease_has_one_holder(predictions):
    """
    A lease is held by one until it is over; its holder may renew it.
    """

    def take(holder, after_s):
        return predictions.lease("w", holder, now=NOON + timedelta(seconds=after_s), for_s=60)

    assert [take("a", 0), take("b", 30), take("a", 50), take("b", 100), take("b", 111)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_what_no_database_can_hold_is_left_out(predictions):
    """
    Names that cannot be stored neither fail nor are they kept.
    """
    predictions.remember([said(project="\0"), said(None, commit="\ud800", branch="b" * 1_000)])

    assert predictions.forget_unlinked(now=NOON + timedelta(days=9)) == 1


names = st.sampled_from(["", "main", "c1", "c2"])


@given(
    st.lists(st.tuples(names, names, st.integers(0, 1_200), st.sampled_from("12")), max_size=8),
    st.integers(1, 600),
)
def test_a_build_is_found_by_what_is_said(asked, length):
    """
    At most one question a version is joined to a build; it agrees in all it says, says something,
    and was asked before the end.
    """
    rows = [
        {"commit": c, "branch": b, "pipeline": "", "as_of": n, "version": v} for c, b, n, v in asked
    ]
    build = told(queued=600, known_at=600 + length)

    found = fitting(build, rows)

    assert len({row["version"] for row in found}) == len(found)
    for row in found:
        assert row["commit"] in ("", "c1")
        assert row["branch"] in ("", "main")
        assert row["commit"] or row["branch"]
        assert 600 - EVENTS_BEFORE <= row["as_of"] < build.known_at


def test_a_branch_alone_is_not_about_the_build_before():
    """
    Once a build is queued, a question about its branch may be about the next one.
    """
    row = {"commit": "", "branch": "main", "pipeline": "", "as_of": 6, "version": "1"}

    assert fitting(told(), [row]) == []
    assert fitting(told(), [{**row, "as_of": 4}])
