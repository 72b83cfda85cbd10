"""One figure, and one comparison: the rows that every table and file is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evaluation.measures import Better

MEAN = "mean over projects"


class Verdict(StrEnum):
    """How the model did against another rule."""

    BEATS = "beats"
    WITHIN_NOISE = "within noise"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its 90 % interval.

    Attributes:
        data: The set of histories.
        mode: How it was replayed.
        project: The project, or `MEAN`.
        rule: The model, a simple rule, or whose number in print.
        metric: Name of the figure (`evaluation.measures`).
        value: NaN where undefined.
        low: Lower end of the interval, NaN where there is none.
        high: Its upper end.
        n: Builds it rests on, 0 where unknown.
        positives: Failing ones among them; `None` where failing plays no part.
        noise: Whether there are too few positives for it to mean much.
    """

    data: str
    mode: str
    project: str
    rule: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    positives: int | None
    noise: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The model against another rule, paired on the same builds.

    Attributes:
        data: The set of histories.
        mode: How it was replayed.
        project: The project, or `MEAN`.
        rule: The other rule.
        metric: Name of the figure.
        ratio: Whether `value` is model / rule (figures in seconds; over projects the geometric
            mean) rather than model - rule.
        value: The ratio or the difference.
        low: Lower end of its 90 % interval.
        high: Its upper end.
        noise: Whether there are too few positives for a verdict.
        verdict: What may be said.
    """

    data: str
    mode: str
    project: str
    rule: str
    metric: str
    ratio: bool
    value: float
    low: float
    high: float
    noise: bool
    verdict: Verdict


def verdict(low: float, high: float, *, better: Better, ratio: bool, noise: bool) -> Verdict:
    """Return what an interval of a difference or ratio lets one say.

    Example:
        >>> str(verdict(0.7, 0.9, better=Better.LOWER, ratio=True, noise=False))
        'beats'
    """
    neutral = 1.0 if ratio else 0.0
    if noise or not (low > neutral or high < neutral):
        return Verdict.WITHIN_NOISE
    return Verdict.BEATS if (low > neutral) == (better is Better.HIGHER) else Verdict.WORSE
