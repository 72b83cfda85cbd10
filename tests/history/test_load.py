import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from devmind.ci import BuildOutcome, BuildStatus, FinishedBuild
from devmind.errors import InvalidInput
from devmind.events import Queued
from history.events import BuildFinished, BuildQueued
from history.load import LoadProgress, load
from history.open import open_history
from tests.history.builders import build, report

ROOT = Path(__file__).resolve().parents[2]


def finished(number, *, project="shop", duration_s=90.0, **fields):
    queued = build(number, project=project, at_s=60.0 * number, **fields)
    ended_at = queued.queued_at + timedelta(seconds=duration_s)
    return FinishedBuild(
        build=queued,
        outcome=BuildOutcome(status=BuildStatus.PASSED, finished_at=ended_at),
        reports=(report("a", "b"),),
    )


def ignore(_progress):
    """Take no notice."""


def test_builds_are_recorded_as_they_happened(store):
    """
    A build that runs while the next is queued finishes after it in the sequence.
    """
    load(store, [finished(0), finished(1), finished(2)], on_progress=ignore)

    told = [
        f"{type(event).__name__[5:]} {event.build_id == finished(0).build.build_id}"
        for event in store.read("shop")
        if isinstance(event, BuildQueued | BuildFinished)
    ]
    assert told[:3] == ["Queued True", "Queued False", "Finished True"]


def test_second_load_adds_nothing(store):
    """
    Loading the same builds again records nothing and says that all were there.
    """
    builds = [finished(number) for number in range(5)]
    load(store, builds, on_progress=ignore)
    before = store.last_sequence("shop")

    result = load(store, builds, on_progress=ignore)

    assert (result.builds, result.repeated, result.skipped) == (5, 5, ())
    assert before == store.last_sequence("shop")


def test_longer_export_adds_what_is_new(store):
    """
    A later export of the same history adds the builds that the first did not have.
    """
    load(store, [finished(number) for number in range(3)], on_progress=ignore)

    result = load(store, [finished(number) for number in range(5)], on_progress=ignore)

    assert (result.builds, result.repeated) == (5, 3)
    assert store.last_sequence("shop") == 15


def test_projects_are_kept_apart(store):
    """
    A source with several projects fills each project's own history.
    """
    builds = [finished(number, project=f"project-{number % 3}") for number in range(9)]

    load(store, builds, on_progress=ignore)

    assert [summary.last_sequence for summary in store.projects()] == [9, 9, 9]


def test_progress_reaches_the_end(store):
    """
    Progress never goes back, knows the total, and ends with all builds done.
    """
    heard = []

    load(store, [finished(n) for n in range(900)], on_progress=heard.append, total=900)

    assert LoadProgress(done=900, total=900, repeated=0) == heard[-1]
    assert len(heard) > 2
    assert sorted(progress.done for progress in heard) == [progress.done for progress in heard]


def test_refused_builds_are_left_out(store):
    """
    Builds that contradict what is recorded, or cannot be stored, are left out; the rest is loaded.
    """
    builds = [finished(number) for number in range(40)]
    store.append("shop", [Queued(build=replace(builds[7].build, trigger="push"))])
    builds[20] = finished(20, pipeline="x" * 201)

    result = load(store, builds, on_progress=ignore)

    reasons = {skipped.build_id: skipped.reason for skipped in result.skipped}
    assert {builds[7].build.build_id, builds[20].build.build_id} == set(reasons)
    assert "different 'queued' event" in reasons[builds[7].build.build_id]
    assert "pipeline" in reasons[builds[20].build.build_id]
    (summary,) = store.projects()
    assert (summary.builds, summary.finished) == (39, 38)


def test_unsorted_builds_are_refused(store):
    """
    A source that is not in order of time is refused with the time that is out of order.
    """
    with pytest.raises(InvalidInput, match="sort the source"):
        load(store, [finished(1), finished(0)], on_progress=ignore)


def run_command(*arguments):
    command = [sys.executable, "-m", "history.load", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_command_loads_real_verdicts_once(ci_data, tmp_path):
    """
    The command loads a real verdict table, and a second run adds nothing.
    """
    url = f"sqlite:///{tmp_path}/history.db"
    table = ci_data / "dune" / "debian_11_gcc-10-20.csv"
    arguments = (table, "--database-url", url, "--json")

    first, second = run_command(*arguments), run_command(*arguments)

    assert (first.returncode, first.stderr) == (0, "")
    lines = [json.loads(line) for line in first.stdout.splitlines()]
    assert {"done", "total", "repeated"} <= lines[0].keys()
    assert (lines[-1]["done"], lines[-1]["repeated"]) == (290, 0)
    assert json.loads(second.stdout.splitlines()[-1])["repeated"] == 290
    with open_history(url) as store:
        assert [summary.builds for summary in store.projects()] == [290]


def test_command_says_what_it_cannot_read(tmp_path):
    """
    A source that does not exist is exit code 3, and the message names it.
    """
    answer = run_command(tmp_path / "nothing.csv", "--database-url", f"sqlite:///{tmp_path}/h.db")

    assert answer.returncode == 3
    assert "nothing.csv" in answer.stderr
    assert "Traceback" not in answer.stderr
