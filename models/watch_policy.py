"""When a model that has become worse is trained again: a pure function of figures and times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from models.watch_figures import Figures

ONCE_IN = timedelta(days=1)
ENOUGH_BUILDS = 50
"""With fewer scored builds of a project its figures start nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """Whether to train a model again, and why (not)."""

    start: bool
    reason: str


def decide_retraining(
    figures: Mapping[str, Figures],
    *,
    threshold: float,
    last_started_at: datetime | None,
    now: datetime,
) -> Retraining:
    """Say whether a model has become so much worse that it is trained again.

    Args:
        figures: Project -> rolling figures of the champion.
        threshold: How many times the promised error is too much.
        last_started_at: When the newest training job of the model was asked for, by whomever.
        now: The time, aware UTC.

    Returns:
        The reason names the project that is furthest beyond.

    Example:
        >>> decide_retraining({}, threshold=1.25, last_started_at=None, now=datetime.now()).start
        False
    """
    ratios = {
        project: found["error_ratio"]
        for project, found in figures.items()
        if "error_ratio" in found and found["builds"] >= ENOUGH_BUILDS
    }
    worst = max(sorted(ratios), key=lambda project: ratios[project], default=None)
    if worst is None or ratios[worst] <= threshold:
        return Retraining(start=False, reason=f"no project is beyond {threshold:g}")
    reason = (
        f"rolling error {ratios[worst]:.2f} of what was promised over "
        f"{figures[worst]['builds']:.0f} builds of {worst}, beyond {threshold:g}"
    )
    if last_started_at is not None and now - last_started_at < ONCE_IN:
        said = f"{reason}; but a job was started at {last_started_at:%Y-%m-%dT%H:%M:%SZ}"
        return Retraining(start=False, reason=f"{said}, less than a day ago")
    return Retraining(start=True, reason=reason)
