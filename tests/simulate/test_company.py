import hashlib
import re
from collections import Counter
from datetime import UTC, datetime

import pytest

from devmind.ci import BuildStatus
from devmind.errors import InvalidInput
from devmind.readers import open_source
from devmind.simulate import Cause, Timeline, make_company, write_company

START = datetime(2025, 1, 6, tzinfo=UTC)


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    whole = hashlib.sha256()
    for path in files:
        whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


@pytest.fixture(name="company", scope="module")
def _company(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company") / "simulated"
    return folder, write_company(folder, seed=5, projects=3, builds=120, start=START)


@pytest.fixture(name="history", scope="module")
def _history():
    company = make_company(seed=11, projects=3, builds=400, start=START)
    return [(truth, list(Timeline(truth).builds())) for truth in company.projects]


def test_what_was_simulated_is_read_back(company):
    """
    The real readers give exactly the builds, jobs, files and verdicts that were simulated.
    """
    folder, truth = company
    simulated = [one.finished for p in truth.projects for one in Timeline(p).builds()]
    source = open_source(folder)

    read = {one.build.build_id: one for one in source.builds()}

    assert (source.kind, source.estimate, source.skipped) == ("github", 360, [])
    assert len(read) == 360
    for one in simulated:
        assert one == read[one.build.build_id]


def test_what_is_read_back_is_in_order(company):
    """
    The company's projects are one history, by time.
    """
    folder, _ = company

    times = [one.build.queued_at for one in open_source(folder).builds()]

    assert sorted(times) == times


def test_it_says_that_it_is_simulated(company):
    """
    Every project is called simulated, and so is the folder's marker.
    """
    folder, truth = company

    assert all(one.name.startswith("simulated-") for one in truth.projects)
    assert '"simulated":true' in (folder / "simulation.json").read_text()
    assert len({one.name for one in truth.projects}) == 3


def test_the_same_seed_gives_the_same_files(tmp_path):
    """
    The same seed writes the same bytes, another seed another company.
    """
    for name, seed in (("one", 5), ("same", 5), ("other", 6)):
        write_company(tmp_path / name, seed=seed, projects=2, builds=15, start=START)

    assert digest(tmp_path / "one") == digest(tmp_path / "same")
    assert digest(tmp_path / "one") != digest(tmp_path / "other")


def test_progress_counts_every_build(tmp_path):
    """
    Progress is told after every build, over all projects.
    """
    seen = []

    write_company(
        tmp_path / "x", seed=1, projects=2, builds=5, start=START, on_progress=seen.append
    )

    assert list(range(1, 11)) == [one.done for one in seen]
    assert {10} == {one.total for one in seen}


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    """
    Nothing is ever written over what is there.
    """
    (tmp_path / "precious").write_text("x")

    with pytest.raises(InvalidInput, match="empty or does not exist"):
        write_company(tmp_path, seed=1, start=START)

    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize(("projects", "builds"), [(0, 1), (1, 0)])
def test_impossible_sizes_are_refused(projects, builds):
    """
    A company has at least one project, and a project at least one build.
    """
    with pytest.raises(InvalidInput, match="from 1"):
        make_company(seed=1, projects=projects, builds=builds, start=START)


def test_about_one_build_in_five_fails(history):
    """
    Builds fail about as often as real ones, for all kinds of causes.
    """
    builds = [one for _, project in history for one in project]
    statuses = Counter(one.finished.outcome.status for one in builds)
    causes = Counter(one.cause for one in builds)

    decided = statuses[BuildStatus.FAILED] + statuses[BuildStatus.PASSED]
    assert 0.1 < statuses[BuildStatus.FAILED] / decided < 0.3
    assert {Cause.TESTS, Cause.LINT, Cause.INSTALL, Cause.FLAKY, Cause.INFRASTRUCTURE} < set(causes)
    assert 0 < causes[Cause.SUPERSEDED] == statuses[BuildStatus.CANCELED]


def test_broken_tests_cover_what_was_changed(history):
    """
    A test that a change breaks for the first time covers a file of the change, if the change
    did not come with dependencies.
    """
    for truth, builds in history:
        covers = {test.name: test.covers for test in truth.tests}
        known: set[str] = set()
        related = total = 0
        for one in builds:
            paths = {file.path for file in one.finished.build.change.files}
            if truth.stack.lock not in paths:
                fresh = one.broken - known
                total += len(fresh)
                related += sum(bool(covers[name] & paths) for name in fresh)
            known = set(one.broken)

        assert total > 20
        assert related / total > 0.5


def test_flaky_tests_fail_and_pass_on_one_commit(history):
    """
    A rerun of a build that failed for nothing shows both verdicts on one commit.
    """
    both = 0
    for truth, builds in history:
        assert truth.flaky
        assert all(one.flaked <= truth.flaky for one in builds)
        verdicts: dict[tuple[str, str], set[str]] = {}
        for one in builds:
            for report in one.finished.reports:
                for run in report.runs:
                    key = (one.finished.build.change.commit, run.name)
                    verdicts.setdefault(key, set()).add(run.verdict)
        both += sum(len(found) > 1 for found in verdicts.values())

    assert both > 0


def test_documentation_alone_runs_no_tests(history):
    """
    A pull request that only changes documentation skips the jobs that its paths do not need.
    """
    short = []
    for _, builds in history:
        for one in builds:
            build = one.finished.build
            paths = [file.path for file in build.change.files]
            if build.trigger == "pull_request" and all(path.endswith(".md") for path in paths):
                short.append(one)

    assert len(short) > 20
    for one in short:
        skipped = [j for j in one.finished.outcome.jobs if j.status is BuildStatus.SKIPPED]
        assert one.finished.reports == ()
        assert len(skipped) >= 4


def test_a_step_creeps_in_and_slows_down(history):
    """
    A step that was not there in the beginning takes a minute or more in the end.
    """
    for _, builds in history:
        seconds = [
            (step.finished_at - step.started_at).total_seconds()
            for one in builds
            for job in one.finished.outcome.jobs
            for step in job.steps
            if step.name == "Scan licences" and step.status is BuildStatus.PASSED
        ]

        assert 0.3 < len(seconds) / len(builds) < 0.65
        assert sum(seconds[-5:]) > 3 * sum(seconds[:5])


def test_a_cold_cache_costs_an_installation(history):
    """
    Where dependencies are cached, the slow installations are few; where not, all are slow.
    """
    for truth, builds in history:
        works = [
            (step.finished_at - step.started_at).total_seconds()
            for one in builds
            for job in one.finished.outcome.jobs
            for step in job.steps
            if step.name == truth.stack.install and step.status is BuildStatus.PASSED
        ]
        slow = sum(seconds > 25 for seconds in works) / len(works)

        assert (0.02 < slow < 0.35) if truth.habits.caches else slow > 0.95


def test_people_rest_at_night_and_on_weekends(history):
    """
    Most builds are queued on weekdays by day, a few are not.
    """
    times = [one.finished.build.queued_at for _, builds in history for one in builds]
    weekend = sum(time.weekday() > 4 for time in times) / len(times)
    night = sum(time.hour < 3 for time in times) / len(times)

    assert 0.005 < weekend < 0.1
    assert 0.03 < night < 0.3


def test_times_make_sense(history):
    """
    Every build is queued before it starts, starts before it ends; steps follow each other.
    """
    for _, builds in history:
        for one in builds:
            outcome = one.finished.outcome
            assert one.finished.build.queued_at <= outcome.started_at <= outcome.finished_at
            for job in outcome.jobs:
                times = [(s.started_at, s.finished_at) for s in job.steps if s.started_at]
                flat = [time for pair in times for time in pair]
                assert sorted(flat) == flat


def test_names_are_as_the_tools_write_them(history):
    """
    Each project has its own language, and tests where that language keeps them.
    """
    files = [max(test.file for test in truth.tests) for truth, _ in history]

    assert re.fullmatch(r"tests/\w+/test_\w+\.py", files[0])
    assert re.fullmatch(r"src/\w+/\w+\.test\.ts", files[1])
    assert re.fullmatch(r"\w+/src/test/java/org/example/\w+/\w+Test\.java", files[2])
