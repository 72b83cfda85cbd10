"""What a comparison found, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.own_history.comparison import ALL, WITHOUT, Compared, interval
from models.scorecard import NOISE_BELOW


def tables(found: Compared) -> Iterator[str]:
    """Yield the means with their intervals, and how far the forest is from every other rule."""
    noise = f" Fewer than {NOISE_BELOW}: read them as noise." if found.builds < NOISE_BELOW else ""
    yield f"{found.builds} failing builds with {found.failures} failing tests.{noise}"
    yield ""
    if not found.builds:
        return
    metrics = list(found.values[ALL])
    yield f"| by | {' | '.join(metrics)} |"
    yield f"| --- |{' --: |' * len(metrics)}"
    for rule, values in found.values.items():
        cells = [
            f"{np.mean(values[one]):.3f} ± {_half_width(found, rule, one):.3f}" for one in metrics
        ]
        yield f"| {rule} | {' | '.join(cells)} |"
    yield ""
    yield f"| {ALL} minus | {' | '.join(metrics)} |"
    yield f"| --- |{' --: |' * len(metrics)}"
    for rule in found.values:
        if rule != ALL:
            yield f"| {rule} | {' | '.join(_difference(found, rule, one) for one in metrics)} |"
    yield ""


def verdict(title: str, found: Compared) -> tuple[bool, str]:
    """Return whether affinity raises APFD by more than chance could, and a sentence with it."""
    if not found.builds:
        return False, f"{title}: no failing build to compare."
    gain = found.values[ALL]["apfd"] - found.values[WITHOUT]["apfd"]
    low, high = interval(gain)
    helps = low > 0
    said = "helps" if helps else "cannot be told from no help"
    if high < 0:
        said = "HARMS"
    text = f"{title}: change affinity {said}: APFD {gain.mean():+.3f} ({low:+.3f} to {high:+.3f})"
    return helps, f"{text} over {found.builds} builds."


def _half_width(found: Compared, rule: str, metric: str) -> float:
    low, high = interval(found.values[rule][metric])
    return (high - low) / 2


def _difference(found: Compared, rule: str, metric: str) -> str:
    gain = found.values[ALL][metric] - found.values[rule][metric]
    low, high = interval(gain)
    return f"{gain.mean():+.3f} ({low:+.3f} to {high:+.3f})"
