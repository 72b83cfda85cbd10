"""Promotion by the gate, rollback, and training jobs that end one way or another."""

from pathlib import Path

import pytest

from deployments.lifecycle import Lifecycle
from devmind.errors import AlreadyRunning, NotFound, PromotionRefused, ServiceUnreachable
from history.open import open_jobs
from models.gate import Decision
from models.versions import VersionSummary
from tests.deployments.company import scorecard
from tests.deployments.fakes import NOW

MODEL, PATH = "build_optimizer", "build-optimizer"
YES, NO = Decision(promote=True, reasons=("better",)), Decision(promote=False, reasons=("worse",))


class Registry:
    """Versions 1 (champion), 2 (earned it), 3 (did not) and 4 (was never judged)."""

    def __init__(self):
        self.aliases = {"champion": "1", "previous": "1"}
        self.decisions = {"1": YES, "2": YES, "3": NO, "4": None}

    def champion(self, _model):
        return self.aliases["champion"]

    def versions(self, model):
        return [] if model != MODEL else [self._summary(v) for v in sorted(self.decisions)[::-1]]

    def _summary(self, version):
        return VersionSummary(
            model=MODEL,
            version=version,
            created_at=NOW,
            aliases=tuple(a for a, v in self.aliases.items() if v == version),
            scorecard=scorecard(MODEL),
            decision=self.decisions[version],
            seal="s",
        )

    def promote(self, _model, version):
        self.aliases = {"champion": version, "previous": self.aliases["champion"]}

    def rollback(self, model):
        self.promote(model, self.aliases["previous"])
        return self.aliases["champion"]

    def record_decision(self, _model, version, decision):
        self.decisions[version] = decision

    def fetch(self, _model, version, into):
        raise NotFound("version", version, str(Path(into).name))


class Runner:
    """A cluster that takes jobs, refuses them, or lost one."""

    def __init__(self):
        self.started = []
        self.refuses = False
        self.lost = {}

    def start(self, job_id, arguments):
        if self.refuses:
            raise ServiceUnreachable("the cluster's job API", "ConnectionError")
        self.started.append((job_id, arguments))

    def ended(self, job_id):
        return self.lost.get(job_id)


@pytest.fixture(name="registry")
def _registry():
    return Registry()


@pytest.fixture(name="runner")
def _runner():
    return Runner()


@pytest.fixture(name="lifecycle")
def _lifecycle(tmp_path, registry, runner):
    jobs = open_jobs(f"sqlite:///{tmp_path / 'jobs.db'}")
    ids = iter(range(1, 100))
    yield Lifecycle(
        versions=registry,
        jobs=jobs,
        runner=runner,
        now=lambda: NOW,
        new_id=lambda model: f"{model}-{next(ids)}",
    )
    jobs.close()


@pytest.mark.parametrize("version", ["2", "4"], ids=["judged before", "judged now"])
def test_a_version_that_earned_it_is_promoted(lifecycle, registry, version):
    """
    The gate's stored decision counts; a version that was never judged is judged now.
    """
    promoted = lifecycle.promote(PATH, version, force=False, by="ops")

    assert (promoted.model, promoted.version) == (PATH, version)
    assert registry.aliases == {"champion": version, "previous": "1"}


def test_a_version_that_did_not_is_refused_with_the_gates_reasons(lifecycle, registry):
    """
    Nothing moves, and the reasons are the gate's.
    """
    with pytest.raises(PromotionRefused, match="worse"):
        lifecycle.promote(PATH, "3", force=False, by="ops")

    assert registry.champion(MODEL) == "1"


def test_force_is_written_down(lifecycle, registry):
    """
    A forced promotion happens, and who forced it stands beside the version.
    """
    lifecycle.promote(PATH, "3", force=True, by="ops")
    status = lifecycle.status()[0]

    assert registry.champion(MODEL) == "3"
    assert (status.champion, status.previous) == ("3", "1")
    forced = next(v for v in status.versions if v.version == "3")
    assert (forced.earned, forced.gate[1]) == (False, "worse")
    assert "forced by ops" in forced.gate[0]


def test_promoting_the_champion_changes_nothing(lifecycle, registry):
    """
    Doing it twice is doing it once, so that a lost answer can be asked for again.
    """
    for _ in range(2):
        lifecycle.promote(PATH, "2", force=False, by="ops")

    assert registry.aliases == {"champion": "2", "previous": "1"}


def test_a_rollback_returns_to_the_version_before(lifecycle):
    """
    The previous champion is champion again.
    """
    lifecycle.promote(PATH, "2", force=False, by="ops")

    assert lifecycle.rollback(PATH, by="ops").version == "1"


@pytest.mark.parametrize("call", ["promote", "rollback", "retrain", "jobs"])
def test_an_unknown_model_is_not_found(lifecycle, call):
    """
    A model that does not exist is named, with those that do.
    """
    calls = {
        "promote": lambda: lifecycle.promote("x", "1", force=False, by="ops"),
        "rollback": lambda: lifecycle.rollback("x", by="ops"),
        "retrain": lambda: lifecycle.retrain("x", promote_if_better=True),
        "jobs": lambda: lifecycle.jobs("x"),
    }
    with pytest.raises(NotFound, match="test-intelligence"):
        calls[call]()


def test_an_unknown_version_is_not_found(lifecycle):
    """
    A version that does not exist is named.
    """
    with pytest.raises(NotFound, match="build-optimizer/9"):
        lifecycle.promote(PATH, "9", force=True, by="ops")


def test_a_job_is_started_once_a_model(lifecycle, runner):
    """
    The job is remembered and started with its id; a second one is refused while it runs.
    """
    job = lifecycle.retrain(PATH, promote_if_better=True)

    assert (job.state, job.model) == ("queued", PATH)
    arguments = (MODEL, "--job-id", job.job_id, "--promote-if-better")
    assert runner.started == [(job.job_id, arguments)]
    with pytest.raises(AlreadyRunning, match=job.job_id):
        lifecycle.retrain(PATH, promote_if_better=True)
    assert [found.job_id for found in lifecycle.jobs(None)] == [job.job_id]


def test_a_job_the_cluster_does_not_take_is_failed(lifecycle, runner):
    """
    The refusal is the caller's answer, and the model is free for the next job.
    """
    runner.refuses = True
    with pytest.raises(ServiceUnreachable):
        lifecycle.retrain(PATH, promote_if_better=False)
    runner.refuses = False

    assert [job.state for job in lifecycle.jobs(PATH)] == ["failed"]
    assert lifecycle.retrain(PATH, promote_if_better=False).state == "queued"


def test_a_job_that_died_without_a_word_is_failed(lifecycle, runner):
    """
    When only the cluster knows that a job's process is gone, asking for the job finds out.
    """
    job = lifecycle.retrain(PATH, promote_if_better=False)
    runner.lost[job.job_id] = "Its process ended: failed."

    found = lifecycle.job(job.job_id)

    assert (found.state, found.detail) == ("failed", "Its process ended: failed.")
