import csv
import json
from collections import Counter
from datetime import datetime

import pytest

from devmind.ci import BuildStatus, ChangeTotals
from devmind.errors import UnreadableSource
from devmind.readers import open_source
from devmind.readers.github_steps import COLUMNS, open_steps
from devmind.readers.tables import read_header

LEAKING = frozenset(
    "gh_is_pr gh_pull_req_number gh_description_complexity git_merged_with gh_num_pr_comments"
    " tests_ran tests_passed tests_failed tests_skipped tests_total build_duration"
    " build_duration_original fixed_with_api fetch_duration total_builds total_jobs".split()
)

JOBS = [
    {
        "job_name": "build",
        "job_start": "2024-05-06T10:00:10Z",
        "job_end": "2024-05-06T10:05:10Z",
        "job_result": "success",
        "steps": [
            {
                "step_name": "Compile",
                "step_conclusion": "success",
                "step_start": "2024-05-06T10:00:12Z",
                "step_end": "2024-05-06T10:05:00Z",
            }
        ],
    },
    {
        "job_name": "deploy",
        "job_start": "2024-05-06T10:05:12Z",
        "job_end": "2024-05-06T10:05:11Z",
        "job_result": "skipped",
        "steps": [],
    },
]

ROW = {
    "repo": "octo-org/hello",
    "id_build": "17",
    "branch": "fix/ümlaut",
    "commit_sha": "abc",
    "status": "completed",
    "conclusion": "success",
    "workflow_event_trigger": "pull_request",
    "issuer_name": "author-1",
    "workflow_id": "99",
    "workflow_name": "CI",
    "created_at": "2024-05-06T10:00:00Z",
    "updated_at": "2024-09-01T00:00:00Z",
    "run_attempt_from_api": "1",
    "job_details": json.dumps(JOBS),
    "gh_files_added": "1",
    "gh_files_deleted": "0",
    "gh_files_modified": "3",
    "gh_lines_added": "16",
    "gh_lines_deleted": "20",
    "gh_test_churn": "4",
    "gh_src_churn": "30",
    "gh_doc_files": "1",
    "gh_other_files": "2",
    "file_types": "['.py', '.TOML', '.lock', '.md}']",
    "dockerfile_changed": "1",
}


def write(path, *rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(ROW))
        writer.writeheader()
        writer.writerows(ROW | row for row in rows)
    return path


def read(path, *rows):
    source = open_source(write(path, *rows))
    return source, list(source.builds())


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "runs.csv"


def test_a_row_becomes_a_build(path):
    """
    A row has its build's names, change and jobs; times come from the jobs, not from updated_at.
    """
    _, [finished] = read(path, {})

    build, outcome = finished.build, finished.outcome
    assert (
        build.project,
        build.pipeline,
        build.external_id,
        build.attempt,
    ) == ("octo-org/hello", "CI", "17", 1)
    assert datetime.fromisoformat("2024-05-06T10:00:00+00:00") == build.queued_at
    assert datetime.fromisoformat("2024-05-06T10:05:10+00:00") == outcome.finished_at
    assert outcome.duration_s(build.queued_at) == 300
    assert (
        build.change.branch,
        build.change.author,
        build.change.commit,
    ) == ("fix/ümlaut", "author-1", "abc")
    assert [step.name for step in outcome.jobs[0].steps] == ["Compile"]


def test_a_skipped_job_has_no_times(path):
    """
    A skipped job has no times, even where its end lies before its start.
    """
    _, [finished] = read(path, {})

    deploy = finished.outcome.jobs[1]
    assert (
        deploy.status,
        deploy.started_at,
        deploy.finished_at,
    ) == (BuildStatus.SKIPPED, None, None)


def test_totals(path):
    """
    The change's size comes from the columns; types of files tell of configuration and lock files.
    """
    _, [finished] = read(path, {})

    assert finished.build.change.totals == ChangeTotals(
        files_added=1,
        files_modified=3,
        lines_added=16,
        lines_deleted=20,
        test_lines=4,
        source_lines=30,
        doc_files=1,
        config_files=1,
        dependency_files=1,
        extensions=(".lock", ".md", ".py", ".toml", "Dockerfile"),
    )


def test_a_rerun_is_queued_when_its_jobs_started(path):
    """
    A rerun months later is queued at its first job, not at the first attempt's time.
    """
    _, [finished] = read(path, {"run_attempt_from_api": "2", "created_at": "2024-01-01T00:00:00Z"})

    assert finished.build.attempt == 2
    assert datetime.fromisoformat("2024-05-06T10:00:10+00:00") == finished.build.queued_at


def test_a_pending_run_whose_jobs_have_finished_counts(path):
    """
    Without a conclusion the jobs decide, if all have finished.
    """
    failed = [JOBS[0] | {"job_result": "failure"}, JOBS[1]]
    _, [finished] = read(
        path, {"status": "pending", "conclusion": "", "job_details": json.dumps(failed)}
    )

    assert finished.outcome.status == BuildStatus.FAILED


def test_a_run_still_going_is_skipped_with_its_reason(path):
    """
    A run with a job that has not finished is left out, and said so.
    """
    going = [JOBS[0], JOBS[1] | {"job_result": None, "job_end": None}]
    source, builds = read(
        path, {"status": "waiting", "conclusion": "", "job_details": json.dumps(going)}
    )

    assert builds == []
    assert "waiting" in source.skipped[0].reason
    assert "run 17" in source.skipped[0].record


def test_leaking_columns_are_not_read(path):
    """
    No column that tells the outcome is read.
    """
    assert not LEAKING & COLUMNS


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("created_at", "now", "created_at is 'now'"),
        ("gh_lines_added", "many", "gh_lines_added is 'many', not a number"),
        ("gh_files_added", "-3", "gh_files_added is '-3'"),
        ("gh_files_added", "1.5", "gh_files_added is '1.5', not a whole number"),
        ("gh_src_churn", "nan", "gh_src_churn is 'nan'"),
        ("conclusion", "great", "conclusion is 'great'"),
        ("file_types", "__import__('os')", "file_types is"),
        ("job_details", '[{"job_name": "bui', "not JSON"),
        ("job_details", "{}", "not a list of jobs"),
        ("repo", "", "repo is '', not given"),
    ],
)
def test_a_bad_value_is_named(path, field, value, shown):
    """
    A value that cannot be is refused with its file, its line and itself; nothing is given.
    """
    write(path, {}, {field: value})
    given = []

    with pytest.raises(UnreadableSource) as caught:
        given.extend(open_source(path).builds())

    assert shown in str(caught.value)
    assert f"{path}:" in str(caught.value)
    assert given == []


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
def test_a_half_written_file_is_refused(path, share):
    """
    A file that stops in the middle of a row gives nothing, wherever it stops.
    """
    whole = write(path, {}, {"id_build": "18"}).read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    given = []

    with pytest.raises(UnreadableSource, match=r"runs\.csv"):
        given.extend(open_source(path, kind="github-steps").builds())

    assert given == []


def test_wrong_columns_are_named(path):
    """
    A CSV of another kind is refused with the columns it lacks.
    """
    path.write_text("a,b\n1,2\n")

    with pytest.raises(UnreadableSource, match="the columns branch, commit_sha"):
        list(open_source(path, kind="github-steps").builds())


def test_all_real_runs_are_builds_or_skipped(ci_data):
    """
    The 4,606 real runs of three projects add up, sorted by time, each with its own identity.
    """
    source = open_source(ci_data / "github-actions" / "with_steps")
    builds = list(source.builds())

    times = [one.build.queued_at for one in builds]
    assert (len(builds), len(source.skipped), source.estimate) == (4604, 2, 4606)
    assert sorted(times) == times
    assert len({one.build.build_id for one in builds}) == 4604
    assert Counter(one.build.project for one in builds) == {
        "hmcts/ccpay-payment-app": 2198,
        "Opetushallitus/jod-yksilo-ui": 1625,
        "pr3y/Bruce": 781,
    }
    assert Counter(str(one.outcome.status) for one in builds) == {
        "passed": 2781,
        "failed": 1454,
        "canceled": 369,
    }


def test_nothing_of_a_real_build_comes_from_a_leaking_column(ci_data, tmp_path):
    """
    Emptying every column that tells the outcome changes no build.
    """
    real = next((ci_data / "github-actions" / "with_steps").glob("*Bruce*.csv"))
    blind = tmp_path / real.name
    with (
        real.open(newline="", encoding="utf-8") as before,
        blind.open("w", newline="", encoding="utf-8") as after,
    ):
        writer = csv.DictWriter(after, fieldnames=read_header(real))
        writer.writeheader()
        writer.writerows(row | dict.fromkeys(LEAKING, "") for row in csv.DictReader(before))

    assert list(open_steps(real).builds()) == list(open_steps(blind).builds())


def test_real_job_times_bound_real_builds(ci_data):
    """
    No real build that passed counts days of waiting for a rerun as work.
    """
    source = open_source(ci_data / "github-actions" / "with_steps")

    for one in source.builds():
        jobs = [job for job in one.outcome.jobs if job.finished_at]
        assert one.outcome.finished_at >= one.build.queued_at
        if jobs:
            assert max(job.finished_at for job in jobs) == one.outcome.finished_at
