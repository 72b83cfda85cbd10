"""Shadows: compared with the champion on the same live builds, and promoted if that was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import structlog

from deployments.lifecycle_answers import ShadowStatus
from deployments.metrics import Metrics
from history.predicted import Prediction
from models.gate import Decision, decide
from models.scorecard import Scorecard
from models.shadowing import Shadowing
from models.watch import decode, decode_outcome
from models.watch_cards import LIVE_POLICIES, live_cards

log = structlog.get_logger(__name__)

Pair = tuple[Prediction, Prediction]


class Pairs(Protocol):
    """The part of `PredictionStore` that is needed here; every call blocks."""

    def pairs(self, model: str, first: str, second: str, *, limit: int) -> list[Pair]:
        """Return what two versions said of the same builds."""


class Aliases(Protocol):
    """The part of the registry that is needed here; every call blocks."""

    def shadowing(self, model: str) -> Shadowing | None:
        """Return which version shadows."""

    def end_shadow(self, model: str) -> None:
        """Let no version shadow any more."""

    def promote(self, model: str, version: str) -> None:
        """Make a version the champion."""

    def record_decision(self, model: str, version: str, decision: Decision) -> None:
        """Write the gate's decision beside a version."""


class Shadows:
    """Compares shadows with their champions.

    Args:
        pairs: What both said.
        aliases: The registry.
        metrics: Shows on how many builds they were compared.
    """

    def __init__(self, *, pairs: Pairs, aliases: Aliases, metrics: Metrics) -> None:
        self._pairs = pairs
        self._aliases = aliases
        self._metrics = metrics

    def status(self, model: str, champion: str | None) -> ShadowStatus | None:
        """Return how far a model's shadow has come and how it compares; `None` without one."""
        shadowing = self._aliases.shadowing(model)
        if shadowing is None or champion is None:
            return None
        pairs = self._pairs.pairs(model, champion, shadowing.version, limit=shadowing.builds)
        cards = compared(model, pairs)
        return ShadowStatus(
            version=shadowing.version,
            builds_wanted=shadowing.builds,
            builds=len(pairs),
            promote_if_better=shadowing.promote_if_better,
            champion_scorecard={} if cards is None else dict(cards[0].metrics),
            shadow_scorecard={} if cards is None else dict(cards[1].metrics),
        )

    def look(self, model: str, champion: str) -> None:
        """End a shadow that has seen its builds: ask the gate, and promote it if that was asked."""
        shadowing = self._aliases.shadowing(model)
        if shadowing is None:
            return
        if shadowing.version == champion:
            self._aliases.end_shadow(model)
            return
        pairs = self._pairs.pairs(model, champion, shadowing.version, limit=shadowing.builds)
        self._metrics.compared(model, shadowing.version, len(pairs))
        if len(pairs) >= shadowing.builds:
            self._end(model, champion, shadowing, pairs)

    def _end(self, model: str, champion: str, shadowing: Shadowing, pairs: Sequence[Pair]) -> None:
        cards = compared(model, pairs)
        if cards is None:
            return  # none of these builds tells anything yet
        found = decide(*cards, LIVE_POLICIES[model])
        beside = f"shadowed version {champion} for {len(pairs)} live builds"
        decision = Decision(promote=found.promote, reasons=(beside, *found.reasons))
        self._aliases.record_decision(model, shadowing.version, decision)
        if decision.promote and shadowing.promote_if_better:
            self._aliases.promote(model, shadowing.version)
        self._aliases.end_shadow(model)
        log.info(
            "shadow ended",
            model=model,
            version=shadowing.version,
            promote=decision.promote and shadowing.promote_if_better,
            reasons=decision.reasons,
        )


def compared(model: str, pairs: Sequence[Pair]) -> tuple[Scorecard, Scorecard] | None:
    """Return the scorecards of champion and shadow on the builds of *pairs*."""
    known = [(a, b) for a, b in pairs if a.outcome is not None and b.outcome is not None]
    return live_cards(
        model,
        [(a.project, a.known_at or 0, a.made_at) for a, _ in known],
        [decode(model, a.body) for a, _ in known],
        [decode(model, b.body) for _, b in known],
        [(decode_outcome(a.outcome or b""), decode_outcome(b.outcome or b"")) for a, b in known],
    )
