"""Scorecards: how a model did on builds newer than any it has seen, beside simple baselines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

import msgspec

from devmind.errors import InvalidInput

NOISE_BELOW = 30
"""With fewer positives than this a classification metric is noise and is marked as such."""


class ScoredRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which builds a scorecard was measured on; two scorecards compare only if these are equal.

    Attributes:
        first_queued_at: Queueing time of the oldest build.
        last_queued_at: Queueing time of the newest build.
        rows: How many rows were scored.
        digest: `rows_digest` of the builds.
    """

    first_queued_at: datetime
    last_queued_at: datetime
    rows: int
    digest: str


class Scorecard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model version is worth.

    Attributes:
        model: One of `models.names.MODELS`.
        measured_on: The builds it was measured on.
        metrics: Metric -> value over all rows; `None` where it is undefined.
        baselines: Baseline -> metric -> value on the same rows.
        per_project: Project -> metric -> value.
        rows_per_project: Project -> rows scored.
        positives: Failing rows, `None` where the model predicts no class.
    """

    model: str
    measured_on: ScoredRange
    metrics: dict[str, float | None]
    baselines: dict[str, dict[str, float | None]] = msgspec.field(default_factory=dict)
    per_project: dict[str, dict[str, float | None]] = msgspec.field(default_factory=dict)
    rows_per_project: dict[str, int] = msgspec.field(default_factory=dict)
    positives: int | None = None

    @property
    def noisy(self) -> bool:
        """Whether there are too few positives for the metrics to mean much."""
        return self.positives is not None and self.positives < NOISE_BELOW

    def value(self, metric: str) -> float:
        """Return a metric over all rows, NaN where it is absent or undefined."""
        found = self.metrics.get(metric)
        return float("nan") if found is None else found

    def baseline(self, name: str, metric: str) -> float:
        """Return a baseline's metric, NaN where it is absent or undefined."""
        found = self.baselines.get(name, {}).get(metric)
        return float("nan") if found is None else found


def to_json(card: Scorecard) -> bytes:
    """Return *card* as JSON; NaN and infinities become `null`."""
    return msgspec.json.encode(card)


def from_json(body: bytes | str) -> Scorecard:
    """Return the scorecard that `to_json` wrote.

    Raises:
        InvalidInput: If *body* is not one.
    """
    try:
        return msgspec.json.decode(body, type=Scorecard)
    except msgspec.DecodeError as error:
        raise InvalidInput("scorecard", body, f"It cannot be read: {error}.") from error


def rows_digest(rows: Iterable[tuple[str, int]]) -> str:
    """Name a set of scored rows by (project, sequence), whatever their order.

    Example:
        >>> rows_digest([("shop", 2), ("shop", 1)]) == rows_digest([("shop", 1), ("shop", 2)])
        True
    """
    digest = sha256()
    for project, sequence in sorted(rows):
        digest.update(f"{project}\0{sequence}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]
