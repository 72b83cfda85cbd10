"""Numbers in print beside our figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from evaluation.figures import MEAN, Comparison, Figure, verdict
from evaluation.measures import Better, measure
from evaluation.replayed import Replayed
from evaluation.samples import MODEL


def figures_in_print(replayed: Replayed, ours: Iterable[Figure]) -> list[Figure]:
    """Return published numbers on the measured projects as figures without an interval.

    Args:
        replayed: Its published numbers; those of other projects are left out.
        ours: What was measured.
    """
    measured = {(f.project, f.metric): f for f in ours if f.rule == MODEL}
    return [
        Figure(
            data=replayed.data,
            mode=replayed.mode,
            project=project or MEAN,
            rule=number.rule,
            metric=number.metric,
            value=float(value),
            low=float("nan"),
            high=float("nan"),
            n=0,
            positives=None,
            noise=measured[project or MEAN, number.metric].noise,
        )
        for number in replayed.published
        for project, value in number.values.items()
        if (project or MEAN, number.metric) in measured
    ]


def against_print(ours: Iterable[Figure], printed: Iterable[Figure]) -> Iterator[Comparison]:
    """Yield how our intervals lie to numbers in print, which have none.

    Args:
        ours: What was measured.
        printed: From `figures_in_print`.
    """
    measured = {(f.project, f.metric): f for f in ours if f.rule == MODEL}
    for number in printed:
        found, how = measured[number.project, number.metric], measure(number.metric)
        if how.better is Better.NEITHER:
            continue
        ends = np.array([found.value, found.low, found.high])
        value, low, high = (ends / number.value if how.seconds else ends - number.value).tolist()
        yield Comparison(
            data=number.data,
            mode=number.mode,
            project=number.project,
            rule=number.rule,
            metric=number.metric,
            ratio=how.seconds,
            value=value,
            low=low,
            high=high,
            noise=found.noise,
            verdict=verdict(low, high, better=how.better, ratio=how.seconds, noise=found.noise),
        )
