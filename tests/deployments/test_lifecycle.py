"""Promotion by the gate, and rollback."""

from pathlib import Path

import pytest

from deployments.lifecycle import Lifecycle
from devmind.errors import NotFound, PromotionRefused
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


@pytest.fixture(name="registry")
def _registry():
    return Registry()


@pytest.fixture(name="lifecycle")
def _lifecycle(registry):
    return Lifecycle(versions=registry, training=None, now=lambda: NOW)


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


@pytest.mark.parametrize("call", ["promote", "rollback"])
def test_an_unknown_model_is_not_found(lifecycle, call):
    """
    A model that does not exist is named, with those that do.
    """
    calls = {
        "promote": lambda: lifecycle.promote("x", "1", force=False, by="ops"),
        "rollback": lambda: lifecycle.rollback("x", by="ops"),
    }
    with pytest.raises(NotFound, match="test-intelligence"):
        calls[call]()


def test_an_unknown_version_is_not_found(lifecycle):
    """
    A version that does not exist is named.
    """
    with pytest.raises(NotFound, match="build-optimizer/9"):
        lifecycle.promote(PATH, "9", force=True, by="ops")
