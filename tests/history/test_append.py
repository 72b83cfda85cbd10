import pytest

from devmind.ci import BuildStatus, TestReport, TestRun, Verdict
from devmind.errors import ContradictingRepeat, InvalidInput, NotFound, TooLarge
from devmind.events import Finished, Queued, Reported
from devmind.wire.base import MAX_RUNS
from history.events import BuildFinished, BuildQueued, NamedTest, TestsReported
from tests.history.builders import build, outcome, report, story


def test_events_come_back_in_order(store):
    """
    What is appended is read back in the order and with the numbers of its receipts.
    """
    queued = build()

    receipts = store.append("shop", story(queued, report("a", "b")))

    first, second, third = store.tail("shop")
    assert [receipt.sequence for receipt in receipts] == [1, 2, 3]
    assert not any(receipt.repeated for receipt in receipts)
    assert BuildQueued(sequence=1, build_id=queued.build_id, build=queued) == first
    assert isinstance(second, TestsReported)
    assert second.report == "unit"
    assert BuildFinished(sequence=3, build_id=queued.build_id, outcome=outcome()) == third


def test_each_project_has_its_own_sequence(store):
    """
    A project's sequence starts at 1 and is not moved by another's.
    """
    store.append("shop", story(build()))
    store.append("bank", story(build(project="bank")))

    assert [event.sequence for event in store.tail("bank")] == [1, 2]
    assert store.last_sequence("shop") == 2
    assert store.pipelines() == [("bank", "ci.yml"), ("shop", "ci.yml")]


def test_repeat_changes_nothing(store):
    """
    An event that is recorded already is answered with its first sequence number.
    """
    events = story(build(), report("a"))
    first = store.append("shop", events)

    again = store.append("shop", events)

    assert [receipt.sequence for receipt in first] == [receipt.sequence for receipt in again]
    assert all(receipt.repeated for receipt in again)
    assert store.last_sequence("shop") == 3


def test_repeat_within_a_batch_changes_nothing(store):
    """
    The same event twice in one batch is recorded once.
    """
    event = Queued(build=build())

    receipts = store.append("shop", [event, event])

    assert [(r.sequence, r.repeated) for r in receipts] == [(1, False), (1, True)]


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("queued", Queued(build=build(trigger="push"))),
        ("tests", Reported(build_id=build().build_id, report=report("a", duration_s=9.0))),
        ("tests", Reported(build_id=build().build_id, report=report("b"))),
        (
            "finished",
            Finished(build_id=build().build_id, outcome=outcome(BuildStatus.FAILED)),
        ),
    ],
)
def test_contradiction_is_refused(store, kind, changed):
    """
    A second event of the same kind with different contents is refused and names the first.
    """
    store.append("shop", story(build(), report("a")))

    with pytest.raises(ContradictingRepeat) as refused:
        store.append("shop", [Queued(build=build(2)), changed])

    assert kind == refused.value.kind
    assert ["queued", "tests", "finished"].index(kind) + 1 == refused.value.sequence
    assert store.last_sequence("shop") == 3


def test_messages_count_as_contents(store):
    """
    The same verdict with another message is another report.
    """
    queued = build()
    reports = [
        TestReport(name="unit", runs=(TestRun(name="a", verdict=Verdict.FAILED, message=message),))
        for message in ("expected 1", "expected 2")
    ]
    store.append("shop", story(queued, reports[0]))

    with pytest.raises(ContradictingRepeat):
        store.append("shop", [Reported(build_id=queued.build_id, report=reports[1])])

    assert store.messages("shop", 2) == ["expected 1"]


@pytest.mark.parametrize(
    "event",
    [
        Finished(build_id="nobody", outcome=outcome()),
        Reported(build_id="nobody", report=report("a")),
        Reported(build_id="no\0body", report=report("a")),
        Reported(build_id="\ud800", report=report("a")),
    ],
)
@pytest.mark.parametrize("project_exists", [True, False])
def test_unknown_build_is_not_found(store, event, project_exists):
    """
    The end or the tests of a build that was never queued are refused, and nothing is recorded.
    """
    if project_exists:
        store.append("shop", [Queued(build=build())])

    with pytest.raises(NotFound):
        store.append("shop", [event])

    assert int(project_exists) == store.last_sequence("shop")
    assert int(project_exists) == len(store.projects())


def test_batch_is_all_or_nothing(store):
    """
    When the last event of a batch is refused, the first is not recorded and no name is taken.
    """
    queued = build()
    bad = Finished(build_id="nobody", outcome=outcome())

    with pytest.raises(NotFound):
        store.append("shop", [*story(queued, report("lost")), bad])
    store.append("shop", story(queued, report("kept")))

    assert [NamedTest(number=0, name="kept")] == store.test_names("shop")
    assert [event.sequence for event in store.tail("shop")] == [1, 2, 3]


def test_late_reports_are_accepted(store):
    """
    A job may report its tests after the build has finished.
    """
    queued = build()
    store.append("shop", story(queued))

    (receipt,) = store.append("shop", [Reported(build_id=queued.build_id, report=report("a"))])

    assert receipt.sequence == 3


def test_reports_are_told_apart_by_name(store):
    """
    Two reports of one build with different names are two events.
    """
    store.append("shop", story(build(), report("a", name="unit"), report("a", name="e2e")))

    assert [event.report for event in store.tail("shop") if isinstance(event, TestsReported)] == [
        "unit",
        "e2e",
    ]


def test_tests_are_numbered_by_first_appearance(store):
    """
    Test numbers are dense from 0, and an event carries the names that appear in it first.
    """
    store.append("shop", story(build(1), report("b", "a", "b")))
    store.append("shop", story(build(2), report("c", "a"), report(name="empty")))

    reported = [event for event in store.tail("shop") if isinstance(event, TestsReported)]
    assert [event.tests.tolist() for event in reported] == [[0, 1, 0], [2, 1], []]
    assert [[t.name for t in e.new_tests] for e in reported] == [["b", "a"], ["c"], []]
    assert [test.name for test in store.test_names("shop")] == ["b", "a", "c"]


def test_summary_counts(store):
    """
    A project's summary says how many builds, ends and tests are recorded.
    """
    store.append("shop", [*story(build(1), report("a", "b")), Queued(build=build(2))])

    (summary,) = store.projects()

    assert (
        summary.project,
        summary.last_sequence,
        summary.builds,
        summary.finished,
        summary.tests,
    ) == ("shop", 4, 2, 1, 2)


def test_event_of_another_project_is_refused(store):
    """
    A batch holds events of one project only, whether they name it or a build of it.
    """
    other = build(project="bank")
    store.append("bank", [Queued(build=other)])

    with pytest.raises(InvalidInput, match="bank"):
        store.append("shop", [Queued(build=other)])
    with pytest.raises(InvalidInput, match="another project"):
        store.append(
            "shop", [Queued(build=build()), Finished(build_id=other.build_id, outcome=outcome())]
        )

    assert store.last_sequence("shop") == 0


@pytest.mark.parametrize(
    ("bad", "value"),
    [
        (Queued(build=build("a\0b")), "a\\x00b"),
        (Queued(build=build(pipeline="\ud800")), "\\ud800"),
        (Queued(build=build(trigger="\udfff")), "\\udfff"),
        (Queued(build=build("x" * 201)), "xxx"),
        (Queued(build=build("")), "''"),
        (Reported(build_id=build().build_id, report=report("a\0")), "a\\x00"),
        (Reported(build_id=build().build_id, report=report("\udc80")), "\\udc80"),
        (Reported(build_id=build().build_id, report=report("")), "''"),
        (Reported(build_id=build().build_id, report=report("n" * 2_001)), "nnn"),
        (Reported(build_id=build().build_id, report=report("a", name="\0")), "\\x00"),
        (Reported(build_id=build().build_id, report=report("a", duration_s=-1.0)), "-1.0"),
        (Reported(build_id=build().build_id, report=report("a", duration_s=float("nan"))), "nan"),
        (Reported(build_id=build().build_id, report=report("a", duration_s=float("inf"))), "inf"),
        (
            Reported(
                build_id=build().build_id,
                report=TestReport(runs=(TestRun(name="a", verdict=Verdict.PASSED, attempt=0),)),
            ),
            "0",
        ),
    ],
)
def test_what_cannot_be_stored_is_refused_alike(store, bad, value):
    """
    Both databases refuse the same values, and the error shows the value.
    """
    with pytest.raises(InvalidInput) as refused:
        store.append("shop", [Queued(build=build()), bad])

    assert value in str(refused.value)
    assert store.projects() == []


def test_too_many_runs_are_refused(store):
    """
    A report over the limit is refused before anything is locked.
    """
    run = TestRun(name="a", verdict=Verdict.PASSED)

    with pytest.raises(TooLarge):
        store.append("shop", story(build(), TestReport(runs=(run,) * (MAX_RUNS + 1))))


def test_nothing_is_nothing(store):
    """
    An empty batch is accepted and makes no project.
    """
    assert store.append("shop", []) == []
    assert store.projects() == []
