from collections import Counter

import pytest

from devmind.ci import BuildStatus
from devmind.errors import UnreadableSource
from devmind.readers import open_source
from tests.readers.test_lrts import BUILD, CHANGE, write


@pytest.fixture(name="project")
def _project(tmp_path):
    folder = tmp_path / "tvm"
    folder.mkdir()
    write(tmp_path / "change_stats.csv", CHANGE)
    return folder


def source(project, *rows):
    write(project / "training_builds.csv", *(BUILD | row for row in rows))
    return open_source(project, kind="lrts-stages")


def test_each_stage_is_a_build_of_its_own_pipeline(project):
    """
    Stages of one build share its time, change and end, and are told apart by their pipeline.
    """
    stages = source(project, {}, {"stage_id": "CPU", "num_fail_class": "2"})

    gpu, cpu = stages.builds()

    assert (stages.kind, stages.estimate) == ("lrts-stages", 2)
    assert [one.build.pipeline for one in (gpu, cpu)] == ["jenkins/GPU", "jenkins/CPU"]
    assert [one.outcome.status for one in (gpu, cpu)] == [BuildStatus.PASSED, BuildStatus.FAILED]
    assert gpu.build.build_id != cpu.build.build_id
    assert gpu.build.change == cpu.build.change
    assert gpu.build.queued_at == cpu.build.queued_at
    assert gpu.outcome.finished_at == cpu.outcome.finished_at
    assert gpu.outcome.duration_s(gpu.build.queued_at) == 600
    assert gpu.outcome.jobs == ()


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ({"num_fail_class": "1"}, "failed"),
        ({"num_fail_method": "3"}, "passed"),
        ({"failcount": "3", "build_result": "FAILURE"}, "passed"),
        ({"build_result": "ABORTED"}, "passed"),
    ],
)
def test_a_stage_fails_by_its_test_classes_alone(project, row, status):
    """
    The label is whether a test class failed in the stage, whatever became of the build.
    """
    [one] = source(project, row).builds()

    assert one.outcome.status == status


def test_stages_only_on_request(project):
    """
    Without being asked for by name, the stages of a build are its jobs.
    """
    source(project, {}, {"stage_id": "CPU"})

    assert open_source(project).kind == "lrts"
    assert len(list(open_source(project).builds())) == 1


@pytest.mark.parametrize("duration", ["-1", "1e18", "long"])
def test_a_bad_duration_is_named(project, duration):
    """
    A duration that cannot be is refused with its value, by either reading.
    """
    for kind in ("lrts", "lrts-stages"):
        write(project / "training_builds.csv", BUILD | {"build_duration": duration})
        with pytest.raises(UnreadableSource, match="build_duration is"):
            list(open_source(project, kind=kind).builds())


def test_all_real_stages_of_a_project(ci_data):
    """
    Every stage of a real project is one build, failed where the data set's protocol says so.
    """
    stages = open_source(ci_data / "lrts/hbase", kind="lrts-stages")
    builds = list(stages.builds())

    failed = sum(one.outcome.status == BuildStatus.FAILED for one in builds)
    assert (len(builds), failed, stages.skipped) == (553, 215, [])
    assert len({one.build.build_id for one in builds}) == 553
    assert Counter(one.outcome.status for one in builds).keys() == {"passed", "failed"}
    assert len({one.build.external_id for one in builds}) == len(
        list(open_source(ci_data / "lrts/hbase").builds())
    )
