"""What row by row comparisons say for and against a challenger, in sentences with numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from models.paired import Comparison

SURE = 0.05
"""Chance of a refusal by mere noise: for each metric overall, and for all projects together."""
EXCUSED = 3.0
"""A loss of so many tolerances is refused, however few builds it was seen on."""
PROJECT_MARGIN = 3.0
"""One project may lose so many margins where the whole may lose one."""
_MOST_REASONS = 10


class Tolerates(Protocol):
    """The part of `models.gate.Rule` that says how much is too much."""

    def allowed(self, champion: float) -> float:
        """The largest loss that may be noise."""
        ...

    def even(self, champion: float) -> float:
        """The largest loss that is called even."""
        ...


def surely_worse(compared: Sequence[Comparison], rules: Mapping[str, Tolerates]) -> Iterator[str]:
    """Yield why the challenger is refused.

    Overall a metric is worse when the 90 % interval of the loss lies above zero and the loss above
    its margin; in a project, when the loss is above `PROJECT_MARGIN` margins and stands out among
    all projects and metrics by Holm's procedure, so that many projects refuse nobody by chance.

    Args:
        compared: What `models.paired.compare` returned.
        rules: Metric -> its rule.

    References:
        Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    for one in (c for c in compared if c.project is None):
        rule = rules[one.metric]
        if math.isnan(one.champion):
            continue
        if math.isnan(one.challenger):
            yield f"{one.metric} could not be measured, the champion's is {one.champion:.4g}"
        elif one.low > 0 and one.worse_by > rule.even(one.champion):
            yield f"{said(one)}: worse"
        elif one.worse_by > EXCUSED * rule.allowed(one.champion):
            yield f"{said(one)}: too much worse to be put down to chance"
    found = [
        one
        for one in holm(c for c in compared if c.project is not None)
        if one.worse_by > PROJECT_MARGIN * rules[one.metric].even(one.champion)
    ]
    yield from (f"in {one.project} {said(one)}: worse" for one in found[:_MOST_REASONS])
    if len(found) > _MOST_REASONS:
        yield f"and {len(found) - _MOST_REASONS} more losses in single projects"


def better(compared: Iterable[Comparison]) -> tuple[str, ...]:
    """Return on which metrics the challenger is better over all, beyond noise."""
    return tuple(f"{said(c)}: better" for c in _overall(compared) if c.high < 0)


def even(compared: Iterable[Comparison]) -> tuple[str, ...]:
    """Return on which metrics it is neither better nor, as it was not refused, worse."""
    return tuple(f"{said(c)}: not worse" for c in _overall(compared) if not c.high < 0)


def holm(compared: Iterable[Comparison], *, sure: float = SURE) -> list[Comparison]:
    """Return the losses that stand out among all of *compared*, the least probable first."""
    ordered = sorted(compared, key=lambda one: one.chance)
    found = []
    for place, one in enumerate(ordered):
        if one.chance * (len(ordered) - place) > sure:
            break
        found.append(one)
    return found


def said(one: Comparison) -> str:
    """Return a comparison in words.

    Example:
        >>> said(Comparison(metric="auc", project=None, rows=90, champion=0.7, challenger=0.72,
        ...     worse_by=-0.02, low=-0.03, high=-0.01, chance=1.0))
        "auc 0.72 against the champion's 0.7 on 90 rows (gain 0.02, 90 % interval 0.01 to 0.03)"
    """
    word, sign = ("loss", 1) if one.worse_by > 0 else ("gain", -1)
    ends = sorted((sign * one.low, sign * one.high))
    span = f"{word} {abs(one.worse_by):.3g}, 90 % interval {ends[0]:.3g} to {ends[1]:.3g}"
    values = f"{one.metric} {one.challenger:.4g} against the champion's {one.champion:.4g}"
    return f"{values} on {one.rows} rows ({span})"


def _overall(compared: Iterable[Comparison]) -> list[Comparison]:
    return [c for c in compared if c.project is None and math.isfinite(c.challenger)]
