"""What an evaluation promises, in words and with the numbers that it rests on.

Where there is too little to go by, that is said instead of a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from evaluation.duration_charts import best_rule
from evaluation.ranking_samples import targets
from evaluation.replayed import Replayed
from evaluation.results import Bools, Durations, Failures, RankedBuild, Rankings
from models.metrics import coverage, median_error
from models.phrases import builds, spoken_duration
from models.scorecard import NOISE_BELOW

LAST_RUN = "last_run"
"""The simple rule that durations are compared with in words, if it is there."""


def sentences(replayed: Replayed) -> tuple[str, ...]:
    """Say for each project what would have happened."""
    return (
        *(f"{one.project}: {text}" for one in replayed.rankings for text in about_tests(one)),
        *(f"{one.project}: {about_failures(one)}" for one in replayed.failures),
        *(f"{one.project}: {about_durations(one)}" for one in replayed.durations),
    )


def about_tests(found: Rankings) -> Iterator[str]:
    """Say for each target what its subsets would have missed and saved."""
    failing = [build for build in found.builds if build.failed.any()]
    if len(failing) < NOISE_BELOW:
        yield (
            f"{_only(len(failing), 'with failing tests')}; at least {NOISE_BELOW} are needed to "
            "say what a subset of the tests would miss."
        )
        return
    for target in targets(found.builds):
        yield _of_target(found, failing, target)


def about_failures(found: Failures) -> str:
    """Say how many failing builds were warned of, and how often without need."""
    failures = int(found.failed.sum())
    if failures < NOISE_BELOW:
        return (
            f"{_only(failures, 'that failed')} of {len(found.failed)}; at least {NOISE_BELOW} are "
            "needed to say how well failures are foreseen."
        )
    if not np.isfinite(found.threshold):
        return "no warnings: no older build had failed, so no threshold could be chosen."
    warned = found.probability >= found.threshold
    first = found.failed & (found.previous_failed == 0)
    text = (
        f"warned before {(warned & found.failed).sum()} of {failures} failing builds "
        f"{_alarms(warned & ~found.failed)}"
    )
    if not first.any():
        return f"{text}."
    return f"{text}; of {first.sum()} that failed after a passing build, {(warned & first).sum()}."


def about_durations(found: Durations) -> str:
    """Say what the intervals held and how far the predictions were off."""
    count = len(found.actual_s)
    if count < NOISE_BELOW:
        return (
            f"{_only(count, 'that passed')}; at least {NOISE_BELOW} are needed to say how good "
            "predicted durations are."
        )
    low, middle, high = found.quantiles_s.T
    held = coverage(found.actual_s, low, high)
    rule = LAST_RUN if LAST_RUN in found.baselines_s else best_rule(found)
    error = spoken_duration(median_error(found.actual_s, middle))
    width = spoken_duration(float(np.median(high - low)))
    theirs = median_error(found.actual_s, found.baselines_s[rule]) if rule else 0.0
    beside = f" ({rule.replace('_', ' ')}: {spoken_duration(theirs)})" if rule else ""
    return (
        f"{100 * held:.0f} % of {count} builds took between what was said (80 % was promised; "
        f"the span is {width} at the median); half of the predictions were within {error}{beside}."
    )


def _of_target(found: Rankings, failing: list[RankedBuild], target: str) -> str:
    missed = sum(not _ran(build, target)[build.failed].any() for build in failing)
    recall = np.mean([_ran(build, target)[build.failed].mean() for build in failing])
    left_out = sum(float(build.cost_s[~_ran(build, target)].sum()) for build in found.builds)
    total = sum(float(build.cost_s.sum()) for build in found.builds)
    return (
        f"of {len(failing)} failing builds you would have missed {missed} "
        f"({100 * missed / len(failing):.1f} %); you would have saved "
        f"{100 * left_out / max(total, 1e-9):.0f} % of test time (subsets by {target}; "
        f"{100 * recall:.1f} % of a build's failing tests ran{_everything(found, target)})."
    )


def _everything(found: Rankings, target: str) -> str:
    reasons = Counter(build.run_all.get(target, "") for build in found.builds)
    del reasons[""]
    if not reasons:
        return ""
    (reason, _), *_ = reasons.most_common(1)
    often = f"{reasons.total()} of {builds(len(found.builds))}"
    return f"; in {often} everything ran, mostly because {reason}"


def _ran(build: RankedBuild, target: str) -> Bools:
    everything = np.ones(len(build.failed), dtype=np.bool_)
    return build.selected.get(target, everything)


def _alarms(false: Bools) -> str:
    if not false.any():
        return f"without a false alarm in {builds(len(false))}"
    return f"at 1 false alarm in {builds(round(len(false) / int(false.sum())))}"


def _only(count: int, what: str) -> str:
    return f"there are {'no' if not count else f'only {count}'} builds {what}"
