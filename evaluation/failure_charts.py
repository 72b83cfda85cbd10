"""Charts about failures: whether probabilities mean what they say, and what skipping would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evaluation.results import Bools, Failures, Floats
from models.metrics import auc, expected_calibration_error
from training.charts import Chart, Line, Panel, Role, line, noise

BINS = 10
_LEAST = 5
"""A frequency of fewer builds than this is not drawn."""


def calibration(found: Sequence[Failures]) -> Chart:
    """Chart how often builds failed of which the same was said, over a histogram of what was."""
    return Chart(
        name="calibration",
        title="Calibration: how often builds failed of which this was said (bars: 1 s.e.)",
        x_label="predicted probability of failure",
        y_label="share of builds that failed",
        panels=tuple(_reliability(one) for one in found if one.failed.any()),
        x_percent=True,
        y_percent=True,
        y_high=1.0,
    )


def skipping(found: Sequence[Failures]) -> Chart:
    """Chart which failing builds are missed when builds of the lowest risk are not run."""
    return Chart(
        name="skipped_builds",
        title="What skipping the builds of lowest risk would save and miss",
        x_label="share of builds not run",
        y_label="share of failing builds missed",
        panels=tuple(_skipping(one) for one in found if one.failed.any()),
        x_percent=True,
        y_percent=True,
        y_high=0.5,
    )


def _reliability(found: Failures) -> Panel:
    place = np.clip((found.probability * BINS).astype(np.int64), 0, BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    full = counts >= _LEAST
    said = np.bincount(place, found.probability, BINS)[full] / counts[full]
    seen = np.bincount(place, found.failed, BINS)[full] / counts[full]
    chance = np.sqrt(said * (1 - said) / counts[full])
    error = expected_calibration_error(found.failed, found.probability)
    edges = np.linspace(0, 1, BINS + 1).tolist()
    shares = (counts / counts.sum()).tolist()
    return Panel(
        title=f"{found.project}: ECE {error:.3f}, {_failed(found)}",
        lines=(
            line("as said", Role.NOMINAL, (0, 1), (0, 1)),
            replace(line("model", Role.MODEL, said, seen), spread=tuple(chance.tolist())),
        ),
        bars=tuple(zip(edges[:-1], edges[1:], shares, strict=True)),
        bars_label="share of builds",
    )


def _skipping(found: Failures) -> Panel:
    rules = {rule: auc(found.failed, said) for rule, said in found.baselines.items()}
    shown = sorted(rules, key=rules.__getitem__, reverse=True)[:2]
    lines = [line("by chance", Role.RANDOM, (0, 1), (0, 1))]
    lines += [_missed(rule, Role.RULE, found.failed, found.baselines[rule]) for rule in shown]
    lines.append(_missed("model", Role.MODEL, found.failed, found.probability))
    return Panel(title=f"{found.project}: {_failed(found)}", lines=tuple(lines))


def _failed(found: Failures) -> str:
    count = int(found.failed.sum())
    return f"{count} of {len(found.failed)} failed{noise(count)}"


def _missed(label: str, role: Role, failed: Bools, score: Floats) -> Line:
    """Skip from the lowest score up; tied builds are skipped together."""
    order = np.argsort(score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    missed = np.cumsum(failed[order])[last] / failed.sum()
    x, y = np.append(0.0, (last + 1) / len(order)), np.append(0.0, missed)
    return line(label, role, x, y)
