"""Histories in a database, and their kept examples brought up to date without a cluster."""

from dataclasses import replace

import numpy as np

from devmind.events import Queued, Reported
from history.open import open_history
from training.example_store import ProjectFolder, locked
from training.kept_examples import Replaying, kept_examples, planned
from training.replay_project import replay_slices
from training.replayed_rows import of_builds, of_tests

ARRAYS = "rows project sequence known_at queued_at duration_s failed flaky test".split()
PASS = {"builds": of_builds, "tests": of_tests}


def of_project(events, project):
    """The same events in another project; each report of a build gets a name of its own."""
    ids, reports, told = {}, {}, []
    for event in events:
        if isinstance(event, Queued):
            build = replace(event.build, project=project)
            ids[event.build_id] = build.build_id
            told.append(Queued(build=build))
        elif isinstance(event, Reported):
            number = reports[event.build_id] = reports.get(event.build_id, 0) + 1
            renamed = replace(event.report, name=f"job-{number}")
            told.append(Reported(build_id=ids[event.build_id], report=renamed))
        else:
            told.append(replace(event, build_id=ids[event.build_id]))
    return told


def up_to_date(  # noqa: PLR0913 - where, what, and within which bounds
    url, root, projects, *, kind, max_rows=10**9, memory_mb=1_024
):
    """Bring kept examples up to date in this process, and read them.

    Returns:
        The examples, the commits, and how many slices were replayed.
    """
    replaying = Replaying(root=root, kind=kind, max_rows=max_rows, memory_mb=memory_mb)
    with locked(root, on_wait=print):
        tasks = planned(url, projects, replaying, threads=1)
        done = sum(len(list(replay_slices(task))) for task in tasks if task.todo)
        examples, commits = kept_examples(tasks, replaying)
    return examples, commits, done


def in_one_pass(url, project, *, kind):
    """The examples of a project, replayed in memory, in one go."""
    with open_history(url) as store:
        return PASS[kind](project, list(store.read(project)))


def assert_same(found, expected):
    """Rows and all that belongs to them are the same, to the bit."""
    assert expected.names == found.names
    for name in ARRAYS:
        one, other = getattr(expected, name), getattr(found, name)
        assert one.dtype == other.dtype, name
        np.testing.assert_array_equal(one, other, err_msg=name)


def shards_of(root, project):
    """The Parquet files of a project."""
    return sorted((root / ProjectFolder(root, project).folder).glob("month=*/*.parquet"))
