import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmind.ci import BuildOutcome, BuildStatus, FinishedBuild, QueuedBuild
from devmind.client.batches import by_project
from devmind.events import in_order_of_time
from tests.cli.service import Reply, problem

RUNS = "/api/v1/projects/shop/web/events"
START = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Recording:
    """Records events once, as the history does, and refuses one build if told to."""

    def __init__(self, refused=None):
        self.events = {}
        self.order = []
        self.refused = refused

    def __call__(self, request):
        events = request.json["events"]
        if any(self.refused in json.dumps(event) for event in events if self.refused):
            return problem(409, "contradicting-repeat", "It differs.")
        before = len(self.events)
        for event in events:
            key = json.dumps(event, sort_keys=True)
            if key not in self.events:
                self.events[key] = event
                self.order.append(event["kind"])
        new = len(self.events) - before
        body = {"recorded": new, "repeated": len(events) - new, "last_sequence": len(self.events)}
        return Reply(body)


def run(number, **more):
    at = START + timedelta(minutes=10 * number)
    end = at + timedelta(minutes=25)
    return {
        "id": number,
        "name": "Tests",
        "path": ".github/workflows/ci.yml",
        "event": "push",
        "status": "completed",
        "conclusion": "success",
        "head_branch": "main",
        "head_sha": f"{number:040x}",
        "run_number": number,
        "run_attempt": 1,
        "created_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "run_started_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "actor": {"login": "ann"},
        "repository": {"full_name": "shop/web"},
    } | more


@pytest.fixture
def exported(tmp_path):
    def write(*runs):
        folder = tmp_path / "exported" / "runs"
        folder.mkdir(parents=True, exist_ok=True)
        page = {"total_count": len(runs), "workflow_runs": list(runs)}
        (folder / "page1.json").write_text(json.dumps(page))
        return str(folder.parent)

    return write


def test_importing_twice_adds_nothing(service, devmind, exported):
    """
    The second import repeats every event and records none.
    """
    service.answers("POST", RUNS, Recording())
    folder = exported(*(run(n) for n in range(1, 8)))

    first = json.loads(devmind("import", folder, "--batch", "3", "--json").out)
    second = json.loads(devmind("import", folder, "--json").out)

    assert (first["builds"], first["recorded"], first["repeated"]) == (7, 14, 0)
    assert (second["recorded"], second["repeated"]) == (0, 14)
    assert first["projects"] == ["shop/web"]


def test_events_come_in_order_of_time(service, devmind, exported):
    """
    A build that still ran when the next was queued is reported after it.
    """
    recording = Recording()
    service.answers("POST", RUNS, recording)

    devmind("import", exported(*(run(n) for n in range(1, 4))), "--batch", "1")

    assert recording.order == ["queued", "queued", "queued", "finished", "finished", "finished"]


def test_what_is_left_out_is_counted_with_its_reason(service, devmind, exported):
    """
    A run that has not finished is left out, and the totals say why.
    """
    service.answers("POST", RUNS, Recording())
    going = run(2, status="in_progress", conclusion=None)

    ended = devmind("import", exported(run(1), going))

    assert ended.code == 0
    assert "1 builds of 1 project(s), read as github: 2 events recorded" in ended.out
    assert "not finished" in ended.out


def test_one_refused_build_does_not_stop_the_others(service, devmind, exported):
    """
    A build that contradicts the history is left out alone, and named.
    """
    service.answers("POST", RUNS, Recording(refused=f"{3:040x}"))

    ended = devmind("import", exported(*(run(n) for n in range(1, 6))), "--json")

    totals = json.loads(ended.out)
    assert totals["recorded"] >= 8
    assert totals["skipped"] == {"refused: It differs.": 1}
    assert len(totals["refused"]) == 1


def test_a_source_that_is_none(devmind, tmp_path):
    """
    A folder without a history is bad input, and named.
    """
    (tmp_path / "empty").mkdir()

    ended = devmind("import", "empty")

    assert ended.code == 3
    assert "empty" in ended.err


def test_a_service_without_rights(service, devmind, exported):
    """
    A key without the scope ends the import with exit code 6.
    """
    service.answers("POST", RUNS, problem(403, "not-allowed", "This key lacks 'record'."))

    assert devmind("import", exported(run(1))).code == 6


builds = st.lists(
    st.builds(
        lambda n, project, minute, length: FinishedBuild(
            build=QueuedBuild(
                project=project,
                pipeline="ci",
                external_id=str(n),
                queued_at=START + timedelta(minutes=minute),
            ),
            outcome=BuildOutcome(
                status=BuildStatus.PASSED,
                finished_at=START + timedelta(minutes=minute + length),
            ),
        ),
        st.integers(0, 10**6),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 100),
        st.integers(0, 50),
    ),
    unique_by=lambda finished: finished.build.build_id,
    max_size=30,
).map(lambda found: sorted(found, key=lambda finished: finished.build.queued_at))


@given(builds, st.integers(1, 7))
def test_batches_keep_every_event_and_each_projects_order(history, size):
    """
    Batches hold one project's events, no more than asked, all of them, in the project's order.
    """
    batches = list(by_project(in_order_of_time(history), size=size))

    for project in ("a", "b", "c"):
        mine = [one for one in history if one.build.project == project]
        sent = [event for name, batch in batches if name == project for event in batch]
        assert sent == list(in_order_of_time(mine))
    assert all(0 < len(batch) <= size for _, batch in batches)
