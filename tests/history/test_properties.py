from dataclasses import replace
from datetime import UTC
from itertools import pairwise

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devmind.ci import FinishedBuild
from devmind.errors import ContradictingRepeat
from devmind.events import Finished, Queued, Reported, in_order_of_time
from devmind.wire import BuildBody, FinishBody, ReportBody
from history.events import VERDICTS, TestsReported
from tests.history import builders

bounded = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
stories = st.lists(
    st.tuples(
        builders.builds("any"),
        builders.outcomes,
        st.lists(builders.reports, max_size=2, unique_by=lambda report: report.name),
    ),
    max_size=5,
    unique_by=lambda story: story[0].build_id,
)


def events_of(project, told):
    """The events of *told*, moved into *project*, in order of time."""
    finished = [
        FinishedBuild(
            build=replace(build, project=project), outcome=outcome, reports=tuple(reports)
        )
        for build, outcome, reports in told
    ]
    return list(in_order_of_time(sorted(finished, key=lambda one: one.build.queued_at)))


def plain(event):
    """A comparable form of a stored event, without its place."""
    if not isinstance(event, TestsReported):
        return replace(event, sequence=0)
    columns = (event.tests, event.verdicts, event.durations_s, event.attempts)
    return (event.build_id, event.report, event.new_tests, *(c.tolist() for c in columns))


@bounded
@given(told=stories, cuts=st.lists(st.integers(0, 20)), repeats=st.lists(st.integers(0, 20)))
def test_any_split_gives_the_same_history(shared_store, new_project, told, cuts, repeats):
    """
    However a stream is cut into batches, and whatever is sent twice, the same history results.
    """
    whole, pieces = new_project(), new_project()
    shared_store.append(whole, events_of(whole, told))

    events = events_of(pieces, told)
    borders = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    for start, end in pairwise(borders):
        shared_store.append(pieces, events[start:end])
        for repeated in repeats:
            shared_store.append(pieces, events[: min(repeated, end)])

    found = list(shared_store.read(pieces))
    assert list(range(1, len(events) + 1)) == [event.sequence for event in found]
    assert len(list(shared_store.read(whole))) == len(found)
    assert shared_store.test_names(whole) == shared_store.test_names(pieces)
    for one, other in zip(shared_store.read(whole), found, strict=True):
        if isinstance(one, TestsReported):
            assert plain(one)[1:] == plain(other)[1:]


@bounded
@given(build=builders.builds("any"), outcome=builders.outcomes)
def test_builds_come_back_as_they_were(shared_store, new_project, build, outcome):
    """
    Any build and outcome that the wire accepts is read back equal, its times in UTC.
    """
    build = replace(build, project=new_project())
    shared_store.append(
        build.project, [Queued(build=build), Finished(build_id=build.build_id, outcome=outcome)]
    )

    queued, finished = shared_store.tail(build.project)

    assert build == queued.build
    assert outcome == finished.outcome
    assert UTC == queued.build.queued_at.tzinfo == finished.outcome.finished_at.tzinfo


@bounded
@given(reports=st.lists(builders.reports, max_size=3, unique_by=lambda report: report.name))
def test_reports_come_back_as_they_were(shared_store, new_project, reports):
    """
    Folding the events in order, with nothing else at hand, gives every run of every report.
    """
    build = builders.build(project=new_project())
    shared_store.append(build.project, builders.story(build, *reports))
    names = []

    found = [e for e in shared_store.tail(build.project) if isinstance(e, TestsReported)]

    assert len(reports) == len(found)
    for report, event in zip(reports, found, strict=True):
        assert len(names) == (event.new_tests[0].number if event.new_tests else len(names))
        names += (test.name for test in event.new_tests)
        assert [run.name for run in report.runs] == [names[test] for test in event.tests]
        assert [run.verdict for run in report.runs] == [VERDICTS[code] for code in event.verdicts]
        assert [run.attempt for run in report.runs] == event.attempts.tolist()
        durations_s = np.array([run.duration_s for run in report.runs], np.float32)
        np.testing.assert_array_equal(durations_s, event.durations_s)
        messages = shared_store.messages(build.project, event.sequence)
        assert [run.message for run in report.runs] == messages


@bounded
@given(build=builders.builds("any"), outcome=builders.outcomes, report=builders.reports)
def test_json_form_does_not_matter(shared_store, new_project, build, outcome, report):
    """
    An event that went through JSON, in any order of keys, repeats itself and contradicts nothing.
    """
    build = replace(build, project=new_project())
    events = [
        Queued(build=build),
        Reported(build_id=build.build_id, report=report),
        Finished(build_id=build.build_id, outcome=outcome),
    ]
    shared_store.append(build.project, events)

    sent = [
        Queued(build=through_json(BuildBody, build)),
        Reported(build_id=build.build_id, report=through_json(ReportBody, report)),
        Finished(build_id=build.build_id, outcome=through_json(FinishBody, outcome)),
    ]

    assert all(receipt.repeated for receipt in shared_store.append(build.project, sent))


def through_json(body, value):
    """What a service makes of *value* when a client has sent it, with its keys reversed."""
    fields = body.of(value).model_dump(mode="json")
    return body.model_validate(dict(reversed(fields.items()))).domain()


@bounded
@given(first=builders.reports, second=builders.reports)
def test_only_equal_reports_repeat(shared_store, new_project, first, second):
    """
    A second report under the same name is a repeat if it is equal, otherwise a contradiction.
    """
    build = builders.build(project=new_project())
    second = replace(second, name=first.name)
    shared_store.append(build.project, builders.story(build, first))

    try:
        receipts = shared_store.append(
            build.project, [Reported(build_id=build.build_id, report=second)]
        )
    except ContradictingRepeat:
        assert first != second
    else:
        assert first == second
        assert receipts[0].repeated
