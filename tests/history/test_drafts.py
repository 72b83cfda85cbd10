"""Reports that are checked and encoded in one process and recorded in another."""

import pickle
import pickletools

import pytest

from devmind.ci import TestReport, TestRun, Verdict
from devmind.errors import ContradictingRepeat, InvalidInput, NotFound
from devmind.events import Finished, Queued, Reported
from devmind.runs import RunLists
from history.drafts import MAX_REPORT_NAME, lighter, report_draft
from tests.history.builders import build, outcome, report

TOLD = TestReport(
    name="unit",
    runs=(
        TestRun(name="π::adds", verdict=Verdict.PASSED, duration_s=0.25, file="π.py"),
        TestRun(name="π::adds", verdict=Verdict.FAILED, attempt=2, message="1 != 2"),
        TestRun(name="π::skips", verdict=Verdict.SKIPPED),
    ),
)


def travelled(value):
    return pickle.loads(pickle.dumps(value, protocol=5))


def objects(value):
    """How many objects have to be rebuilt from a pickle, which is what takes time."""
    return sum(code.name == "BUILD" for code, *_ in pickletools.genops(pickle.dumps(value)))


def drafted(queued, told):
    return report_draft(queued.build_id, told.name, RunLists.of(told.runs))


def test_a_draft_that_has_travelled_is_recorded_as_its_event_would_be(store):
    """
    A report's draft, pickled and back, gives the same event, names and messages as the report.
    """
    one, other = build(), build(project="bank")
    store.append("shop", [Queued(build=one), Reported(build_id=one.build_id, report=TOLD)])
    store.append("bank", [Queued(build=other), travelled(drafted(other, TOLD))])

    first, second = store.tail("shop")[1], store.tail("bank")[1]

    assert store.digest("shop", 2) == store.digest("bank", 2)
    assert store.test_names("shop") == store.test_names("bank")
    assert store.messages("shop", 2) == store.messages("bank", 2) == ["", "1 != 2", ""]
    for name in ("tests", "verdicts", "durations_s", "attempts"):
        assert getattr(first, name).tolist() == getattr(second, name).tolist()
    assert first.new_tests == second.new_tests


def test_a_draft_repeats_its_event_and_contradicts_others(store):
    """
    Whether a report came as an event or as a draft: the same is a repeat, another a conflict.
    """
    queued = build()
    store.append("shop", [Queued(build=queued), Reported(build_id=queued.build_id, report=TOLD)])

    again = store.append("shop", [travelled(drafted(queued, TOLD))])[0]

    assert (again.sequence, again.repeated) == (2, True)
    with pytest.raises(ContradictingRepeat):
        store.append("shop", [drafted(queued, report("another"))])
    assert store.last_sequence("shop") == 2


def test_a_draft_of_an_unknown_build_is_not_found(store):
    """
    A draft is recorded for no build that was never queued, in its project.
    """
    store.append("bank", [Queued(build=build(project="bank"))])
    with pytest.raises(NotFound):
        store.append("shop", [drafted(build(), TOLD)])
    with pytest.raises(InvalidInput):
        store.append("shop", [Queued(build=build()), drafted(build(project="bank"), TOLD)])


def test_only_reports_become_lighter():
    """
    A report on its way is as few objects as one without runs; other events travel as they are.
    """
    queued = build()
    told = Reported(build_id=queued.build_id, report=report(*(f"test {n}" for n in range(1_000))))
    empty = Reported(build_id=queued.build_id, report=report())
    others = [Queued(build=queued), Finished(build_id=queued.build_id, outcome=outcome())]

    assert objects(lighter(told)) == objects(lighter(empty)) < 10
    assert [lighter(event) for event in others] == others


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * (MAX_REPORT_NAME + 1)])
def test_a_report_with_an_impossible_name_has_no_draft(name):
    """
    What could not be stored is refused before it travels.
    """
    with pytest.raises(InvalidInput):
        report_draft("build", name, RunLists())
