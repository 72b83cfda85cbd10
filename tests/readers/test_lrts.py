import csv
from datetime import datetime

import pytest

from devmind.ci import BuildStatus, ChangeTotals, Job
from devmind.errors import UnreadableSource
from devmind.readers import open_source

BUILD = {
    "project": "tvm",
    "pr_name": "PR-7763",
    "pr_base_branch": "main",
    "build_id": "4",
    "build_duration": "600.0",
    "build_timestamp": "1617071730.0",
    "build_result": "SUCCESS",
    "build_head_sha": "b1f7",
    "failcount": "0",
    "stage_id": "GPU",
    "num_fail_class": "0",
    "num_fail_method": "0",
}
CHANGE = {
    "project": "tvm",
    "pr_name": "PR-7763",
    "build_id": "4",
    "num_changed_files": "3",
    "num_addition": "20",
    "num_deletion": "1",
    "num_changed_line": "21",
}


def write(path, *rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(name="project")
def _project(tmp_path):
    folder = tmp_path / "tvm"
    folder.mkdir()
    write(tmp_path / "change_stats.csv", CHANGE)
    return folder


def read(project, *rows):
    write(project / "training_builds.csv", *(BUILD | row for row in rows))
    return list(open_source(project).builds())


def test_stages_are_jobs_of_one_build(project):
    """
    The rows of one build are its jobs; its size comes from change_stats.csv beside the folder.
    """
    [finished] = read(project, {}, {"stage_id": "CPU"})

    build = finished.build
    assert (build.project, build.pipeline, build.external_id) == ("tvm", "jenkins", "PR-7763#4")
    assert datetime.fromisoformat("2021-03-30T02:35:30+00:00") == build.queued_at
    assert finished.outcome.duration_s(build.queued_at) == 600
    assert finished.outcome.jobs == (
        Job(name="GPU", status=BuildStatus.PASSED),
        Job(name="CPU", status=BuildStatus.PASSED),
    )
    assert (
        build.change.pull_request,
        build.change.base,
        build.change.commit,
    ) == ("PR-7763", "main", "b1f7")
    assert build.change.totals == ChangeTotals(files_modified=3, lines_added=20, lines_deleted=1)


@pytest.mark.parametrize(
    ("result", "failcount", "status"),
    [
        ("SUCCESS", "0", "passed"),
        ("SUCCESS", "2", "failed"),
        ("FAILURE", "0", "failed"),
        ("UNSTABLE", "0", "failed"),
        ("ABORTED", "0", "canceled"),
        ("ABORTED", "1", "failed"),
        ("NOT_BUILT", "0", "canceled"),
    ],
)
def test_status(project, result, failcount, status):
    """
    A build with failing tests failed, whatever Jenkins called it; else Jenkins's word counts.
    """
    [finished] = read(project, {"build_result": result, "failcount": failcount})

    assert status == finished.outcome.status


def test_a_stage_with_failing_tests_failed(project):
    """
    A stage fails by its own tests, and its build with it.
    """
    [finished] = read(project, {}, {"stage_id": "CPU", "num_fail_method": "1"})

    assert [job.status for job in finished.outcome.jobs] == [BuildStatus.PASSED, BuildStatus.FAILED]
    assert finished.outcome.status == BuildStatus.FAILED


def test_both_files_are_one_history(project):
    """
    Training and testing builds are read as one history, by time.
    """
    earlier = BUILD | {"build_id": "3", "build_timestamp": "1617000000.0"}
    write(project / "testing_builds.csv", earlier)

    builds = read(project, {})

    assert [one.build.external_id for one in builds] == ["PR-7763#3", "PR-7763#4"]
    assert builds[0].build.change.totals is None


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({"build_timestamp": "1617071730000"}, "build_timestamp is '1617071730000'"),
        ({"build_duration": "-5"}, "build_duration is '-5'"),
        ({"build_result": "MAYBE"}, "build_result is 'MAYBE', not one of SUCCESS"),
        ({"stage_id": ""}, "stage_id is '', not given"),
    ],
)
def test_a_bad_value_is_named(project, row, shown):
    """
    A value that cannot be is refused with its file, its line and itself.
    """
    with pytest.raises(UnreadableSource) as caught:
        read(project, row)

    assert shown in str(caught.value)
    assert "training_builds.csv:2" in str(caught.value)


def test_stages_must_agree_about_their_build(project):
    """
    Rows of one build that contradict each other are refused.
    """
    with pytest.raises(UnreadableSource, match="the same build"):
        read(project, {}, {"stage_id": "CPU", "build_result": "FAILURE"})


def test_a_folder_without_builds_is_refused(project):
    """
    A folder without files of builds is refused with what was looked for.
    """
    with pytest.raises(UnreadableSource, match="no CI history found"):
        open_source(project, kind="lrts")


def test_all_real_builds(ci_data):
    """
    The six real projects are one history by time, one build for each pull request's build.
    """
    source = open_source(ci_data / "lrts")
    builds = list(source.builds())

    times = [one.build.queued_at for one in builds]
    stages = sum(len(one.outcome.jobs) for one in builds)
    assert (len(builds), stages) == (8_075, 16_836)
    assert sorted(times) == times
    assert len({one.build.build_id for one in builds}) == 8_075
    assert all(one.build.change.totals is not None for one in builds)
