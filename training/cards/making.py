"""Making the card of a trained model, before it is registered."""

from __future__ import annotations

from dataclasses import replace

import structlog

from models.card import CARD, PAGE, Card, ProjectCard, to_json
from models.scorecard import Scorecard
from training.cards.charts import charts
from training.cards.held_out import HeldOut, held_out
from training.cards.importance import weigh
from training.cards.limits import limits
from training.cards.page import page
from training.examples import Examples
from training.recipe import Setting, Trained, draft_bundle

log = structlog.get_logger(__name__)

MOST_PROJECTS = 50


def with_card(trained: Trained, examples: Examples, setting: Setting) -> Trained:
    """Return *trained* with its card among its files.

    A card that cannot be made costs no one the model: it is left out, and the log says why.

    Args:
        trained: What a recipe made.
        examples: All that it was given.
        setting: That it was given.
    """
    try:
        found = held_out(draft_bundle(trained.manifest, trained.files), examples, setting)
        card = describe(trained, found, setting)
        drawn = page(card, charts(card.model, found))
    except Exception:
        log.exception("no model card", model=trained.manifest.model)
        return trained
    return replace(trained, files={**trained.files, CARD: to_json(card), PAGE: drawn.encode()})


def describe(trained: Trained, found: HeldOut, setting: Setting) -> Card:
    """Return the card of *trained*, given what it said of held-out builds."""
    manifest, scorecard = trained.manifest, trained.scorecard
    weights = weigh(found, setting.groups, seed=manifest.seed)
    return Card(
        model=manifest.model,
        created_at=manifest.created_at,
        code_version=manifest.code_version,
        seed=manifest.seed,
        config=manifest.config,
        trained_on=manifest.trained_on,
        measured_on=scorecard.measured_on,
        metrics=scorecard.metrics,
        baselines=scorecard.baselines,
        projects=_projects(scorecard),
        loss=found.loss_name,
        base_loss=weights.base_loss,
        groups=weights.groups,
        features=weights.features,
        limits=limits(scorecard, manifest),
    )


def _projects(scorecard: Scorecard) -> tuple[ProjectCard, ...]:
    rows = scorecard.rows_per_project
    largest = sorted(scorecard.per_project, key=lambda name: (-rows.get(name, 0), name))
    return tuple(
        ProjectCard(project=name, rows=rows.get(name, 0), metrics=scorecard.per_project[name])
        for name in largest[:MOST_PROJECTS]
    )
