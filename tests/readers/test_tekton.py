"""Runs of Tekton, as `kubectl -o json` gives them, become builds."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from devmind.ci import BuildStatus, Change, build_id
from devmind.cli.ci_systems import detect
from devmind.errors import UnreadableSource
from devmind.readers import open_source
from devmind.wire import BuildBody, FinishBody
from tests.conftest import ROOT
from tests.readers.tekton_objects import (
    SHA,
    START,
    condition,
    listed,
    param,
    pipeline_run,
    step,
    task_run,
    uid,
)

JUNIT = '<testsuite><testcase classname="cart" name="fills" time="1"/></testsuite>'


def seconds(number):
    return START + timedelta(seconds=number)


def read(tmp_path, *objects, **options):
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(listed(*objects)))
    source = open_source(path, **options)
    return source, list(source.builds())


def only(tmp_path, *objects, **options):
    (build,) = read(tmp_path, *objects, **options)[1]
    return build


RICH = (
    pipeline_run(children=["shop-ci-1-test", "shop-ci-1-lint"]),
    task_run("test", start=10, seconds=200),
    task_run("lint", start=10, seconds=50),
    pipeline_run(2, start=400, status={"conditions": condition("False", "Failed")}),
    task_run("test", 2, start=410, status={"conditions": condition("False", "Failed")}),
    pipeline_run(3, start=900, status={"conditions": condition("Unknown", "Running")}),
)


@pytest.mark.parametrize("kind", ["PipelineRun", "TaskRun"])
def test_the_examples_are_objects_that_tekton_takes(kind):
    """
    What the tests below read is what the published definitions allow.
    """
    folder = Path(os.environ.get("DEVMIND_SCHEMAS", ROOT.parent / "shared" / "schemas"))
    file = folder / f"tekton.dev_v1_{kind}.json"
    if not file.is_file():
        pytest.skip(f"schemas are absent: {file} does not exist; set DEVMIND_SCHEMAS")
    schema = Draft202012Validator(json.loads(file.read_text()))

    for one in RICH:
        if one["kind"] == kind:
            assert [error.message for error in schema.iter_errors(one)] == []


def test_runs_are_builds_in_order_of_time(tmp_path):
    """
    Finished runs come by the time they were created; unfinished ones are named, not read.
    """
    source, builds = read(tmp_path, *reversed(RICH))

    assert source.kind == "tekton"
    assert [(b.build.external_id, str(b.outcome.status)) for b in builds] == [
        (uid(1), "passed"),
        (uid(2), "failed"),
    ]
    assert [skipped.reason for skipped in source.skipped] == ["a pipeline run has not finished"]


def test_a_pull_request_of_pipelines_as_code(tmp_path):
    """
    Project, pipeline and change come from its labels and annotations.
    """
    build = only(tmp_path, RICH[0]).build

    assert (build.project, build.pipeline, build.trigger) == ("shop/web", "shop-ci", "pull_request")
    assert build.queued_at == START
    assert build.change == Change(
        commit=SHA,
        author="ann",
        branch="cart",
        base="main",
        pull_request="17",
        message="Fill the cart",
    )


def test_jobs_and_steps(tmp_path):
    """
    Task runs are jobs with their steps; a task that was left out never started.
    """
    skipped = {"skippedTasks": [{"name": "deploy", "reason": "When Expressions"}]}
    steps = [step("clone", 11, 20), step("run", 20, 100, code=2)]
    steps.append(step("report", 20, 20) | {"terminationReason": "Skipped"})
    build = only(
        tmp_path,
        pipeline_run(children=["shop-ci-1-test"], status=skipped),
        task_run(status={"steps": steps}),
    )
    test, deploy = build.outcome.jobs

    assert (test.name, test.started_at, test.finished_at) == ("test", seconds(10), seconds(110))
    assert [(s.name, str(s.status)) for s in test.steps] == [
        ("clone", "passed"),
        ("run", "failed"),
        ("report", "skipped"),
    ]
    assert (test.steps[1].started_at, test.steps[2].started_at) == (seconds(20), None)
    assert (deploy.name, str(deploy.status), deploy.started_at) == ("deploy", "skipped", None)
    assert build.outcome.duration_s(START) == 100.0


def test_a_retried_task_lasts_from_its_first_try(tmp_path):
    """
    The time of failed tries belongs to the build; how the last one ended counts.
    """
    tries = [{"startTime": seconds(10).isoformat(), "conditions": condition("False", "Failed")}]
    run = task_run(start=60, seconds=40, status={"retriesStatus": tries})
    job = only(tmp_path, pipeline_run(), run).outcome.jobs[0]

    assert (job.started_at, job.finished_at) == (seconds(10), seconds(100))
    assert job.status is BuildStatus.PASSED


def test_a_matrix_has_a_job_for_each_run(tmp_path):
    """
    Runs of one task of a matrix keep names of their own.
    """
    runs = matrix([{}, {}, {}])
    jobs = only(tmp_path, pipeline_run(), *runs).outcome.jobs

    assert [job.name for job in jobs] == ["test-0", "test-1", "test-2"]


def matrix(params, starts=(10, 11, 12)):
    """The runs of one task of a matrix with the *params* of each."""
    return [
        task_run(
            name=f"shop-ci-1-test-{n}",
            start=starts[n],
            spec={"params": [param(*pair) for pair in one.items()]},
        )
        for n, one in enumerate(params)
    ]


BROWSERS = [{"image": "web", "browser": name} for name in ("chrome", "firefox", "safari")]
PAIRS = [
    {"browser": "chrome", "os": "linux"},
    {"browser": "chrome", "os": "mac"},
    {"browser": "safari", "os": "mac"},
]


@pytest.mark.parametrize("starts", [(10, 11, 12), (12, 10, 11)])
@pytest.mark.parametrize(
    ("params", "names"),
    [
        (BROWSERS, {"test (chrome)", "test (firefox)", "test (safari)"}),
        (PAIRS, {"test (chrome, linux)", "test (chrome, mac)", "test (safari, mac)"}),
    ],
)
def test_the_runs_of_a_matrix_are_called_by_its_parameters(tmp_path, starts, params, names):
    """
    Whichever starts first, a run of a matrix has the name that its parameters give it.
    """
    jobs = only(tmp_path, pipeline_run(), *matrix(params, starts)).outcome.jobs

    assert {job.name for job in jobs} == names


def test_a_matrix_that_is_known_names_one_run_too(tmp_path):
    """
    A matrix that had but one value gives its run the name it would have among others.
    """
    spec = {"tasks": [{"name": "test", "matrix": {"params": [param("browser", ["chrome"])]}}]}
    run = pipeline_run(status={"pipelineSpec": spec})

    assert [j.name for j in only(tmp_path, run, *matrix(BROWSERS[:1])).outcome.jobs] == [
        "test (chrome)"
    ]


SHOWN = {
    "its own": (["on chrome", "on firefox", "on safari"], ["on chrome", "on firefox", "on safari"]),
    "the task's": (["Test"] * 3, ["test (chrome)", "test (firefox)", "test (safari)"]),
}


@pytest.mark.parametrize(("shown", "names"), SHOWN.values(), ids=SHOWN)
def test_a_display_name_goes_first(tmp_path, shown, names):
    """
    Where each run of a matrix is shown under a name of its own, that is its name.
    """
    runs = matrix(BROWSERS)
    run = pipeline_run(children=[one["metadata"]["name"] for one in runs])
    for child, name in zip(run["status"]["childReferences"], shown, strict=True):
        child |= {"displayName": name, "pipelineTaskName": "test"}

    assert [job.name for job in only(tmp_path, run, *runs).outcome.jobs] == names


def test_what_is_no_task_run_is_named(tmp_path):
    """
    Custom runs and pipelines inside a pipeline are no jobs, and that is said.
    """
    run = pipeline_run(children=["shop-ci-1-test", "shop-ci-1-wait", "shop-ci-1-inner"])
    kinds = ("TaskRun", "CustomRun", "PipelineRun")
    for child, kind in zip(run["status"]["childReferences"], kinds, strict=True):
        child["kind"] = kind
    source, (build,) = read(tmp_path, run, task_run())

    assert [job.name for job in build.outcome.jobs] == ["test"]
    assert [skipped.reason for skipped in source.skipped] == [
        "a CustomRun in a pipeline run is no job of it",
        "a PipelineRun in a pipeline run is no job of it",
    ]


ENDS = {
    "passed": ("True", "Succeeded", "passed"),
    "passed with skips": ("True", "Completed", "passed"),
    "failed": ("False", "Failed", "failed"),
    "timeout": ("False", "PipelineRunTimeout", "failed"),
    "cancelled": ("False", "Cancelled", "canceled"),
    "cancelled, old": ("False", "PipelineRunCancelled", "canceled"),
    "cancelled gracefully": ("False", "CancelledRunFinally", "canceled"),
    "stopped gracefully": ("False", "StoppedRunFinally", "canceled"),
    "never valid": ("False", "CouldntGetPipeline", "failed"),
}


@pytest.mark.parametrize(("status", "reason", "word"), ENDS.values(), ids=ENDS)
def test_how_runs_end(tmp_path, status, reason, word):
    """
    Conditions and their reasons become our words.
    """
    run = pipeline_run(status={"conditions": condition(status, reason)})

    assert str(only(tmp_path, run).outcome.status) == word


def ended_at(number, status="False", reason="CouldntGetPipeline"):
    (one,) = condition(status, reason)
    return [one | {"lastTransitionTime": START.replace(minute=number).isoformat()}]


def test_a_run_without_an_end_ends_with_its_condition(tmp_path):
    """
    A run that failed before it began has no completion time: its condition says when.
    """
    run = without(pipeline_run(status={"conditions": ended_at(4)}), "status", "completionTime")
    build = only(tmp_path, without(run, "status", "startTime"))

    assert (str(build.outcome.status), build.outcome.finished_at) == ("failed", seconds(240))


OLD = pipeline_run(7, apiVersion="tekton.dev/v1alpha1")
TIMELESS = pipeline_run(8, status={"completionTime": None})
LEFT_OUT = {
    "an old version": (OLD, "tekton.dev/v1alpha1 is not read"),
    "no time": (TIMELESS, "a pipeline run does not say when it ended"),
    "no time of a task": (
        task_run(status={"completionTime": None}),
        "a task run does not say when it ended",
    ),
}


@pytest.mark.parametrize(("one", "reason"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_one_strange_object_keeps_no_export_back(tmp_path, one, reason):
    """
    An object of an old version or without any time of its end is left out aloud, the rest is read.
    """
    source, builds = read(tmp_path, pipeline_run(), one)

    assert [build.build.external_id for build in builds] == [uid(1)]
    assert [skipped.reason for skipped in source.skipped] == [reason]


PLAIN = {"labels": {"tekton.dev/pipeline": "shop-ci-1"}, "annotations": {}}


def test_a_run_without_pipelines_as_code(tmp_path):
    """
    Elsewhere the change stands in parameters; lists among them do no harm.
    """
    params = [
        param("repo-url", "https://git.example.org/shop/web.git"),
        param("revision", SHA),
        param("branch", "refs/heads/main"),
        param("sha", ["not", "a", "commit"]),
    ]
    build = only(tmp_path, pipeline_run(metadata=PLAIN, spec={"params": params})).build

    assert (build.project, build.pipeline) == ("shop/web", "shop-ci")
    assert (build.change.commit, build.change.branch) == (SHA, "main")


GIVEN = {
    "ours": {"event": "pull_request", "base": "main", "pull-request": "17"},
    "others": {"trigger": "pull_request", "base-branch": "refs/heads/main", "pr-number": "17"},
    "target": {"event": "pull_request", "target-branch": "main", "pull-request": "17"},
}


@pytest.mark.parametrize("params", GIVEN.values(), ids=GIVEN)
def test_a_pull_request_in_parameters(tmp_path, params):
    """
    The parameters of our own Pipeline and their usual other names say what the run was for.
    """
    spec = {"params": [param(*pair) for pair in params.items()]}
    build = only(tmp_path, pipeline_run(metadata=PLAIN, spec=spec)).build

    assert (build.trigger, build.change.base, build.change.pull_request) == (
        "pull_request",
        "main",
        "17",
    )


def test_what_a_run_does_not_give_the_pipeline_does(tmp_path):
    """
    A parameter that a run leaves to its pipeline has the pipeline's default, a list does no harm.
    """
    declared = [
        {"name": "event", "default": "push"},
        {"name": "branch", "default": "main"},
        {"name": "sha", "default": ["x"]},
    ]
    run = pipeline_run(
        metadata=PLAIN,
        spec={"params": [param("branch", "cart")]},
        status={"pipelineSpec": {"params": declared}},
    )
    build = only(tmp_path, run).build

    assert (build.trigger, build.change.branch) == ("push", "cart")


NAMED = {
    "by parameter": ({"params": [param("pipeline-name", "ci")], "pipelineRef": None}, {}, "ci"),
    "by reference": ({"pipelineRef": {"name": "ci"}}, {}, "ci"),
    "by resolver": (
        {"pipelineRef": {"resolver": "git", "params": [param("name", "ci")]}},
        {},
        "ci",
    ),
    "by label": ({"pipelineRef": {}}, {"labels": {"tekton.dev/pipeline": "ci"}}, "ci"),
    "in itself": ({"pipelineRef": None}, {}, "shop-ci"),
    "by itself": ({"pipelineRef": None}, {"generateName": ""}, "shop-ci-1"),
}


@pytest.mark.parametrize(("spec", "metadata", "name"), NAMED.values(), ids=NAMED)
def test_the_pipeline_of_a_run(tmp_path, spec, metadata, name):
    """
    The pipeline is named by what defines it, never anew for each run while there is a choice.
    """
    run = pipeline_run(metadata=PLAIN | metadata, spec=spec)

    assert only(tmp_path, run).build.pipeline == name


def test_without_a_repository_the_namespace_is_the_project(tmp_path):
    """
    A run that names no repository belongs to its namespace; a branch may stand as revision.
    """
    run = pipeline_run(metadata=PLAIN, spec={"params": [param("revision", "main")]})
    build = only(tmp_path, run).build

    assert (build.project, build.change.branch, build.change.commit) == ("shop-ci", "main", "")
    assert only(tmp_path, run, project="shop/web").build.project == "shop/web"


def test_a_run_of_v1beta1_with_its_tasks_in_it(tmp_path):
    """
    Old runs hold their task runs in their own status; the same task is not counted twice.
    """
    task = task_run()
    embedded = {"shop-ci-1-test": {"pipelineTaskName": "test", "status": task["status"]}}
    run = pipeline_run(apiVersion="tekton.dev/v1beta1", status={"taskRuns": embedded})

    assert [job.name for job in only(tmp_path, run).outcome.jobs] == ["test"]
    assert [job.name for job in only(tmp_path, run, task).outcome.jobs] == ["test"]


OWNERS = {
    "owner": {},
    "uid label": {"ownerReferences": [], "labels": {"tekton.dev/pipelineRunUID": uid(1)}},
    "name label": {"ownerReferences": [], "labels": {"tekton.dev/pipelineRun": "shop-ci-1"}},
    "child reference": {"ownerReferences": [], "labels": {}},
}


@pytest.mark.parametrize("metadata", OWNERS.values(), ids=OWNERS)
def test_whose_task_it_is(tmp_path, metadata):
    """
    A task run is told by its owner, by labels, or by the run's list of children.
    """
    runs = [pipeline_run(children=["shop-ci-1-test"]), pipeline_run(2, start=500)]
    _, builds = read(tmp_path, *runs, task_run(metadata=metadata))

    assert [len(build.outcome.jobs) for build in builds] == [1, 0]


def test_a_task_of_no_run_is_named(tmp_path):
    """
    A task run whose pipeline run is not there, or is gone and was made anew, is left out aloud.
    """
    lost = task_run(number=7)
    anew = task_run(metadata={"ownerReferences": lost["metadata"]["ownerReferences"]})
    source, (build,) = read(tmp_path, pipeline_run(), lost, anew)

    assert build.outcome.jobs == ()
    assert [s.reason for s in source.skipped] == [
        "a task run belongs to no finished pipeline run here"
    ] * 2


def test_runs_and_tasks_may_stand_apart(tmp_path):
    """
    The files of a folder are read together, and a run in two exports is one build.
    """
    running = pipeline_run(status={"conditions": condition("Unknown", "Running")})
    (tmp_path / "a-early.json").write_text(json.dumps(listed(running)))
    (tmp_path / "b-runs.json").write_text(json.dumps(listed(pipeline_run())))
    (tmp_path / "c-tasks.json").write_text(json.dumps(task_run()))
    (tmp_path / "d-late.json").write_text(json.dumps([running]))
    source = open_source(tmp_path)
    (build,) = source.builds()

    assert [job.name for job in build.outcome.jobs] == ["test"]
    assert source.skipped == []
    assert len(list(source.builds())) == 1


def test_reports_lie_beside(tmp_path):
    """
    Test reports are found by the run's uid, and by its name while only one run has it.
    """
    for place in (uid(1), "shop-ci-2", "again"):
        (tmp_path / "junit" / place).mkdir(parents=True)
        (tmp_path / "junit" / place / "unit.xml").write_text(JUNIT)
    again = [pipeline_run(n, start=1000 * n, name="again") for n in (3, 4)]
    runs = [pipeline_run(), pipeline_run(2, start=500), *again]
    _, builds = read(tmp_path, *runs)
    (tmp_path / "runs.json").rename(tmp_path / "all.json")
    builds = list(open_source(tmp_path).builds())

    assert [len(build.reports) for build in builds] == [1, 1, 0, 0]


def test_importing_and_recording_agree(tmp_path):
    """
    `devmind record` in a Task names the build as the import does, so that it is known once.
    """
    build = only(tmp_path, pipeline_run()).build
    env = {
        "TEKTON_PIPELINE_RUN": uid(1),
        "TEKTON_PIPELINE": "shop-ci",
        "TEKTON_REPO_URL": "https://git.example.org/shop/web",
    }
    around = detect(env)

    assert build.build_id == build_id(
        around.project, around.pipeline, around.external_id, around.attempt
    )


def without(one, *path):
    copy = json.loads(json.dumps(one))
    part = copy
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return copy


BROKEN = {
    "no name": (without(pipeline_run(), "metadata", "name"), "name is 'None', not given"),
    "a path for a name": (pipeline_run(metadata={"name": "../../etc"}), "name"),
    "a path for a uid": (pipeline_run(metadata={"uid": "../x"}), "uid is '../x'"),
    "a path for a namespace": (pipeline_run(metadata={"namespace": ".."}), "namespace"),
    "never created": (
        without(pipeline_run(), "metadata", "creationTimestamp"),
        "creationTimestamp",
    ),
    "ends first": (pipeline_run(seconds=-4000), "completionTime|before it was created"),
    "strange end": (pipeline_run(status={"conditions": condition("Maybe")}), "status is 'Maybe'"),
    "no zone": (
        pipeline_run(metadata={"creationTimestamp": "2026-03-02T08:00:00"}),
        "a time with its zone",
    ),
    "a list for labels": (pipeline_run(metadata={"labels": ["a"]}), "an object was expected"),
    "a number for a step": (
        pipeline_run(status={"childReferences": [1]}),
        "an object was expected",
    ),
    "a strange code": (task_run(status={"steps": [step("a", 1, 2, code=-1)]}), "exitCode is '-1'"),
}


@pytest.mark.parametrize(("broken", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_object_is_refused_with_its_place(tmp_path, broken, message):
    """
    What cannot be true is refused with file, object and value.
    """
    with pytest.raises(UnreadableSource, match=message) as error:
        read(tmp_path, pipeline_run(9), broken)

    assert "runs.json, items[1]" in str(error.value)


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    """
    Half an export imports nothing.
    """
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(listed(*RICH))[:-300])

    with pytest.raises(UnreadableSource, match="not JSON"):
        open_source(path)


@pytest.mark.parametrize("kind", [None, "tekton"])
def test_yaml_is_refused_with_what_to_do(tmp_path, kind):
    """
    YAML is recognised, and the command that gives JSON is named.
    """
    path = tmp_path / "runs.yaml"
    path.write_text("---\napiVersion: tekton.dev/v1\nkind: PipelineRun\n")

    with pytest.raises(UnreadableSource, match="kubectl get pipelineruns,taskruns -o json"):
        open_source(path, kind=kind)


def test_what_is_no_run_is_named(tmp_path):
    """
    Definitions and other objects in an export are left out and counted.
    """
    others = [{"apiVersion": "tekton.dev/v1", "kind": "Task"}, {"apiVersion": "v1", "kind": "Pod"}]
    source, builds = read(tmp_path, pipeline_run(), *others)

    assert len(builds) == 1
    assert [s.reason for s in source.skipped] == ["a Task is no run", "a Pod is no run"]


def test_an_empty_export_by_its_kind(tmp_path):
    """
    A cluster without runs is a history without builds.
    """
    assert read(tmp_path, kind="tekton")[1] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
PLACES = st.sampled_from(
    [
        (part, name)
        for part, names in {
            "metadata": "name uid namespace labels annotations creationTimestamp ownerReferences",
            "spec": "params pipelineRef",
            "status": "conditions startTime completionTime childReferences skippedTasks taskRuns "
            "steps retriesStatus results pipelineSpec runs",
        }.items()
        for name in names.split()
    ]
)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.booleans(), PLACES, JSON), max_size=3))
def test_whatever_stands_in_an_object(tmp_path_factory, changes):
    """
    Any JSON anywhere in an object gives builds that can be recorded, or is refused by name.
    """
    run, task = pipeline_run(children=["shop-ci-1-test"]), task_run()
    for of_task, (part, name), value in changes:
        (task if of_task else run)[part][name] = value
    path = tmp_path_factory.mktemp("any") / "runs.json"
    path.write_text(json.dumps(listed(run, task)))
    try:
        builds = list(open_source(path, kind="tekton").builds())
    except UnreadableSource as error:
        assert "runs.json" in str(error)  # noqa: PT017 - either end is right
        return

    for build in builds:
        assert BuildBody.of(build.build).domain() == build.build
        assert FinishBody.of(build.outcome).domain() == build.outcome
