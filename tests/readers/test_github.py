import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devmind.ci import (
    BuildStatus,
    Change,
    ChangedFile,
    FileChange,
    Job,
    Step,
    Verdict,
)
from devmind.errors import UnreadableSource
from devmind.readers import open_source
from devmind.readers.github_words import CONCLUSIONS

DIALECT = Path(__file__).parent.parent / "dialects" / "github"
PROJECT = DIALECT / "hello-world"


def at(day, clock):
    return datetime.fromisoformat(f"2024-01-{day}T{clock}+00:00")


def read(path=DIALECT, **options):
    source = open_source(path, **options)
    return source, list(source.builds())


@pytest.fixture(name="project")
def _project(tmp_path):
    return Path(shutil.copytree(PROJECT, tmp_path / "hello-world"))


def edit(path, change):
    payload = json.loads(path.read_text())
    change(payload)
    path.write_text(json.dumps(payload))


def test_every_finished_run_is_a_build_in_order_of_time():
    """
    Runs of all pages come by time, a rerun after the attempt before it, unfinished ones never.
    """
    source, builds = read()

    names = [(b.build.external_id, b.build.attempt, str(b.outcome.status)) for b in builds]
    assert names == [
        ("30433642", 1, "passed"),
        ("30433643", 1, "failed"),
        ("30433643", 2, "passed"),
        ("30433645", 1, "canceled"),
    ]
    assert [one.reason for one in source.skipped] == [
        "it has not finished: its status is 'in_progress'"
    ]
    assert (source.kind, source.estimate) == ("github", 5)


def test_a_push_with_its_files():
    """
    A push has its commit's files and no pull request, whatever GitHub lists beside it.
    """
    _, builds = read()

    build = builds[0].build
    assert build.project == "octo-org/hello-world"
    assert build.pipeline == "build.yml"
    assert ("push", at(22, "19:33:08")) == (build.trigger, build.queued_at)
    assert build.change == Change(
        commit="acb5820ced9479c074f688cc328bf03f341a511d",
        author="octocat",
        branch="main",
        message="Create linter.yaml",
        files=(
            ChangedFile(path="linter.yaml", lines_added=103, kind=FileChange.ADDED),
            ChangedFile(path="docs/Übersicht.md", lines_added=1, lines_deleted=4),
        ),
    )


def test_a_pull_request_with_its_files():
    """
    A pull request has its number and base; every word for a file's change is understood.
    """
    _, builds = read()

    change = builds[1].build.change
    assert (change.pull_request, change.base, change.branch) == ("1934", "main", "changes")
    assert change.message == "Handle Grüße\n\nCloses #1"
    assert [(f.path, f.lines_added, f.lines_deleted, f.kind) for f in change.files] == [
        ("src/new.py", 2, 1, FileChange.RENAMED),
        ("src/gone.py", 0, 30, FileChange.DELETED),
        ("src/copy.py", 0, 0, FileChange.ADDED),
        ("src/mode.sh", 0, 0, FileChange.MODIFIED),
    ]


def test_jobs_and_steps():
    """
    Jobs tell when a build really ended; what was skipped never started, whatever its times say.
    """
    _, builds = read()

    outcome = builds[0].outcome
    step = Step(
        name="Set up job",
        status=BuildStatus.PASSED,
        started_at=at(22, "19:33:12"),
        finished_at=at(22, "19:33:14"),
    )
    build, deploy = outcome.jobs
    assert (at(22, "19:33:12"), at(22, "19:35:12")) == (outcome.started_at, outcome.finished_at)
    assert ("build", "self-hosted,linux", at(22, "19:33:10")) == (
        build.name,
        build.runner,
        build.queued_at,
    )
    assert step == build.steps[0]
    assert Step(name="Upload", status=BuildStatus.SKIPPED) == build.steps[2]
    assert deploy == Job(
        name="deploy",
        status=BuildStatus.SKIPPED,
        queued_at=at(22, "19:35:13"),
        runner="my runner",
    )


def test_a_rerun_is_queued_when_it_was_asked_for():
    """
    A rerun starts at run_started_at, has its own jobs, and no times of jobs it kept.
    """
    _, builds = read()

    first, second = builds[1], builds[2]
    assert at(22, "20:00:00") == first.build.queued_at
    assert at(22, "21:00:00") == second.build.queued_at
    assert at(22, "21:03:05") == second.outcome.finished_at
    assert second.outcome.duration_s(second.build.queued_at) == 180
    assert [(job.name, job.started_at is not None) for job in second.outcome.jobs] == [
        ("build", True),
        ("lint", False),
    ]


def test_reports_belong_to_their_attempt():
    """
    Reports beside the run are the latest attempt's; those in attempt-1 are the first's.
    """
    _, builds = read()

    verdicts = [[run.verdict for r in b.reports for run in r.runs] for b in builds]
    assert verdicts == [[], [Verdict.FAILED], [Verdict.PASSED], []]
    assert builds[1].reports[0].name == "unit/TEST-greeting"


def test_without_artifacts_a_run_is_still_a_build(project):
    """
    Without jobs, changes and reports a run has its own times, and nothing else is missing.
    """
    for name in ("jobs", "changes", "junit"):
        shutil.rmtree(project / name)

    _, builds = read(project)

    assert len(builds) == 4
    assert (builds[0].outcome.jobs, builds[0].build.change.files) == ((), ())
    assert at(22, "19:40:00") == builds[0].outcome.finished_at


def test_a_file_of_runs_alone(tmp_path):
    """
    One JSON file with workflow_runs is a source, and project= names it.
    """
    file = tmp_path / "runs.json"
    shutil.copy(PROJECT / "runs" / "page-1.json", file)

    _, builds = read(file, project="mine")

    assert {"mine"} == {build.build.project for build in builds}
    assert len(builds) == 3


def test_the_newest_version_of_a_run_counts(project):
    """
    A run that was still going in an older page is finished by a newer one, in any order of files.
    """
    page = json.loads((project / "runs" / "page-1.json").read_text())
    run = page["workflow_runs"][1]
    run |= {"status": "completed", "conclusion": "failure", "updated_at": "2024-01-22T22:09:00Z"}
    (project / "runs" / "a-newer.json").write_text(json.dumps({"workflow_runs": [run]}))

    source, builds = read(project)

    found = {b.build.external_id: b.outcome.status for b in builds}
    assert found["30433644"] == BuildStatus.FAILED
    assert source.skipped == []


@pytest.mark.parametrize(
    ("conclusion", "status"),
    [
        ("success", "passed"),
        ("neutral", "passed"),
        ("failure", "failed"),
        ("timed_out", "failed"),
        ("startup_failure", "failed"),
        ("cancelled", "canceled"),
        ("stale", "canceled"),
        ("action_required", "canceled"),
        ("skipped", "skipped"),
    ],
)
def test_conclusions(conclusion, status):
    """
    Every conclusion that GitHub documents has its status.
    """
    assert status == CONCLUSIONS[conclusion]


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("id", "abc", "id is 'abc', not a whole number"),
        ("created_at", "yesterday", "created_at is 'yesterday', not a time"),
        ("created_at", "2024-01-22T19:33:08", "not a time with its zone"),
        ("conclusion", "exploded", "conclusion is 'exploded', not one of"),
        ("run_attempt", -1, "run_attempt is '-1', not a number from 0"),
        ("head_branch", ["x"], "head_branch is"),
        ("actor", "octocat", "an object was expected, got 'octocat'"),
    ],
)
def test_a_bad_value_is_named(project, field, value, shown):
    """
    A value that cannot be is refused with its file, its run, its field and itself.
    """
    page = project / "runs" / "page-1.json"
    edit(page, lambda payload: payload["workflow_runs"][3].update({field: value}))

    with pytest.raises(UnreadableSource) as caught:
        read(project)

    assert shown in str(caught.value)
    assert f"{page}, workflow_runs[3]" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["runs/page-1.json", "jobs/30433642.json", "changes/30433642.json"]
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_half_written_json_is_refused(project, name, share):
    """
    A JSON file that stops in the middle is refused by name, wherever it stops.
    """
    path = project / name
    whole = path.read_bytes().rstrip()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(UnreadableSource, match=f"{path.name}.*not JSON"):
        read(project)


def test_a_half_written_report_is_refused(project):
    """
    A JUnit file that stops in the middle is refused by name, and its build is not given.
    """
    path = project / "junit" / "30433643" / "attempt-1" / "unit" / "TEST-greeting.xml"
    path.write_bytes(path.read_bytes()[:100])
    given = []

    with pytest.raises(UnreadableSource, match=r"TEST-greeting\.xml"):
        given.extend(b.build.external_id for b in open_source(project).builds())

    assert "30433643" not in given


def test_jobs_of_another_run_are_not_taken(project):
    """
    Files of a run are found by the whole of its id, not by how it begins.
    """
    (project / "jobs" / "30433642.json").rename(project / "jobs" / "304336421.json")

    _, builds = read(project)

    assert builds[0].outcome.jobs == ()


def test_paged_jobs_are_merged(project):
    """
    Several pages of one run's jobs are one list, each job once.
    """
    path = project / "jobs" / "30433642.json"
    shutil.copy(path, project / "jobs" / "30433642-page-2.json")

    _, builds = read(project)

    assert [job.name for job in builds[0].outcome.jobs] == ["build", "deploy"]


def test_a_build_cannot_end_before_it_was_queued(project):
    """
    A run that ends before it was queued is refused with both times.
    """
    edit(
        project / "runs" / "page-1.json",
        lambda payload: payload["workflow_runs"][0].update(updated_at="2024-01-01T00:00:00Z"),
    )

    with pytest.raises(UnreadableSource, match="before it was queued"):
        read(project)


def test_times_are_utc(project):
    """
    Times with another zone are converted to UTC.
    """
    edit(
        project / "runs" / "page-1.json",
        lambda payload: payload["workflow_runs"][3].update(created_at="2024-01-22T20:33:08+01:00"),
    )

    _, builds = read(project)

    assert datetime(2024, 1, 22, 19, 33, 8, tzinfo=UTC) == builds[0].build.queued_at
    assert builds[0].build.queued_at.tzinfo == UTC
