"""What the registry remembers beside each version, as MLflow tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

import msgspec

from models.gate import Decision
from models.scorecard import Scorecard, from_json, to_json

_SCORECARD = "devmind.scorecard"
_PROMOTE = "devmind.gate.promote"
_REASONS = "devmind.gate.reasons"
_SEAL = "devmind.seal"
_MAX_TAG = 100_000
"""The longest tag MLflow stores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSummary:
    """One registered version.

    Attributes:
        model: One of `models.names.MODELS`.
        version: Its number, as text.
        created_at: When it was registered, aware UTC.
        aliases: Those of `champion`, `previous` and `shadow` that name it, sorted.
        scorecard: What it is worth; without `per_project` if that would be very long.
        decision: What the gate said, `None` if it was not asked.
        seal: SHA-256 of the bundle's manifest.
    """

    model: str
    version: str
    created_at: datetime
    aliases: tuple[str, ...]
    scorecard: Scorecard
    decision: Decision | None
    seal: str


def version_tags(scorecard: Scorecard, seal: str, decision: Decision | None) -> dict[str, str]:
    """Return the tags of a new version."""
    text = to_json(scorecard).decode()
    if len(text) > _MAX_TAG:
        short = msgspec.structs.replace(scorecard, per_project={}, rows_per_project={})
        text = to_json(short).decode()
    return {_SCORECARD: text, _SEAL: seal, **decision_tags(decision)}


def decision_tags(decision: Decision | None) -> dict[str, str]:
    """Return the tags that hold the gate's decision; none when it was not asked."""
    if decision is None:
        return {}
    reasons = msgspec.json.encode(decision.reasons).decode()
    return {_PROMOTE: str(decision.promote).lower(), _REASONS: reasons}


def tagged_scorecard(tags: Mapping[str, str]) -> Scorecard:
    """Return the scorecard that `version_tags` wrote."""
    return from_json(tags[_SCORECARD])


def tagged_decision(tags: Mapping[str, str]) -> Decision | None:
    """Return the decision that `decision_tags` wrote, if there is one."""
    if _PROMOTE not in tags:
        return None
    reasons = msgspec.json.decode(tags[_REASONS], type=tuple[str, ...])
    return Decision(promote=tags[_PROMOTE] == "true", reasons=reasons)


def tagged_seal(tags: Mapping[str, str]) -> str:
    """Return the seal that `version_tags` wrote."""
    return tags[_SEAL]


def logged_metrics(scorecard: Scorecard) -> dict[str, float]:
    """Return the scorecard's defined numbers under the names a run logs them by."""
    named: dict[str, float | None] = dict(scorecard.metrics)
    for baseline, metrics in scorecard.baselines.items():
        named |= {f"baseline.{baseline}.{metric}": value for metric, value in metrics.items()}
    return {key: value for key, value in named.items() if value is not None and isfinite(value)}
