# ruff: noqa: ARG002, ARG005 - fakes take what the protocol gives them
"""Registering and promoting, with a registry in memory."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from devmind.errors import CorruptBundle, FeatureSchemaMismatch, NotFound, PromotionRefused
from models.bundle import Manifest, TrainedRange, read_bundle
from models.names import FAILURE_PREDICTOR
from models.paired import RowScores
from models.scorecard import Scorecard, ScoredRange
from training.promote import promote, register
from training.recipe import Scored, Trained

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NO_ROWS = RowScores(project=np.array([], dtype=object), sequence=np.array([], dtype=np.int64))


class Shelf:
    """A registry that forgets."""

    def __init__(self):
        self.cards, self.folders, self.decisions, self.crowned = {}, {}, {}, None
        self.seals = {}

    def register(self, model, bundle_folder, scorecard, *, decision=None):
        version = str(len(self.cards) + 1)
        self.cards[version], self.folders[version] = scorecard, bundle_folder
        self.seals[read_bundle(bundle_folder).seal] = version
        return version

    def find(self, model, seal):
        return self.seals.get(seal)

    def record_decision(self, model, version, decision):
        self.decisions[version] = decision

    def promote(self, model, version):
        self.crowned = version

    def champion(self, model):
        return self.crowned

    def scorecard(self, model, version):
        if version not in self.cards:
            raise NotFound("version", version)
        return self.cards[version]

    def fetch(self, model, version, into):
        return self.folders[version]


def card(auc, digest="same"):
    measured_on = ScoredRange(first_queued_at=NOW, last_queued_at=NOW, rows=100, digest=digest)
    return Scorecard(
        model=FAILURE_PREDICTOR,
        measured_on=measured_on,
        metrics={"auc": auc, "brier": 0.1, "ece": 0.05},
        baselines={"rolling_rate": {"auc": 0.6}},
    )


def trained(auc, champion_auc=None, seed=0):
    trained_on = TrainedRange(first_queued_at=NOW, last_queued_at=NOW, projects=("a",), rows=9)
    manifest = Manifest(
        model=FAILURE_PREDICTOR,
        features=("a",),
        trained_on=trained_on,
        code_version="x",
        seed=seed,
        created_at=NOW,
    )
    return Trained(
        manifest=manifest,
        files={"weights": b"x"},
        scorecard=card(auc),
        rows=NO_ROWS,
        score=lambda bundle, project=None: Scored(card=card(champion_auc), rows=NO_ROWS),
    )


def put(shelf, made, folder, *, promote_if_better=True, **more):
    return register(
        shelf,
        made,
        folder,
        promote_if_better=promote_if_better,
        force=more.pop("force", False),
        on_stage=lambda _: None,
        **more,
    )


@pytest.mark.parametrize(
    ("auc", "asked", "force", "crowned"),
    [
        (0.8, True, False, True),
        (0.8, False, False, False),
        (0.5, True, False, False),
        (0.5, False, True, True),
    ],
)
def test_the_first_version_must_beat_the_baselines(auc, asked, force, crowned, tmp_path):
    """
    Promotion needs both the wish and the gate, or force; the decision is recorded either way.
    """
    shelf = Shelf()

    outcome = put(shelf, trained(auc), tmp_path, promote_if_better=asked, force=force)

    assert crowned == outcome.promoted == (shelf.crowned == "1")
    assert (auc > 0.6) == shelf.decisions["1"].promote
    assert force == ("forced" in outcome.reasons)


@pytest.mark.parametrize(("champion_auc", "promoted"), [(0.7, True), (0.9, False)])
def test_the_champion_is_scored_on_the_same_builds(champion_auc, promoted, tmp_path):
    """
    What counts is the champion's score on the challenger's builds, not the one it came with.
    """
    shelf = Shelf()
    put(shelf, trained(0.8, seed=1), tmp_path / "one")
    shelf.cards["1"] = card(0.99, digest="older builds")

    outcome = put(shelf, trained(0.8, champion_auc=champion_auc), tmp_path / "two")

    assert promoted == outcome.promoted
    assert ("2" if promoted else "1") == shelf.crowned


@pytest.mark.parametrize(
    "error", [FeatureSchemaMismatch("1", ("x",), ()), CorruptBundle("1", "altered")], ids=type
)
def test_a_champion_that_this_code_cannot_serve_is_no_rival(error, tmp_path):
    """
    A champion of other features or with damaged files stands in nobody's way: the challenger is
    compared with the simple rules alone.
    """
    shelf = Shelf()
    put(shelf, trained(0.9, seed=1), tmp_path / "one")

    def unservable(bundle, project=None):
        raise error

    outcome = put(shelf, replace(trained(0.8), score=unservable), tmp_path / "two")

    assert outcome.promoted
    assert shelf.crowned == "2"


def test_a_registered_version_is_promoted_by_hand():
    """
    The gate is asked again by the registered scorecards; force overrules it and is recorded.
    """
    shelf = Shelf()
    shelf.cards = {"1": card(0.5)}

    with pytest.raises(PromotionRefused, match="does not beat"):
        promote(shelf, FAILURE_PREDICTOR, "1", force=False)
    assert shelf.crowned is None

    decision = promote(shelf, FAILURE_PREDICTOR, "1", force=True)
    assert shelf.crowned == "1"
    assert decision.reasons[0] == "forced"


def test_an_unknown_version_is_not_promoted():
    """
    Naming a version that does not exist changes nothing.
    """
    shelf = Shelf()

    with pytest.raises(NotFound):
        promote(shelf, FAILURE_PREDICTOR, "7", force=True)
    assert shelf.crowned is None


def test_scorecards_survive_json_with_gaps():
    """
    A metric that could not be measured is a gap, not a number.
    """
    assert np.isnan(card(None).value("auc"))
    assert b"null" in msgspec.json.encode(card(None))
