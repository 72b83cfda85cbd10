"""The figures by name: what they are called in tables, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

TIME_SHARES = (10, 20, 30, 50)
"""Percent of a suite's time at which catches are counted."""
FIRST, REPEATED = "_first", "_repeated"
"""Endings of figures about builds whose predecessor passed, or failed."""


class Better(StrEnum):
    """Which way a figure improves."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A figure.

    Attributes:
        label: Its name in a table's head.
        better: Which way it improves.
        seconds: Whether it is in seconds: then rules are compared by their ratio, since seconds
            of slow and fast projects do not add up.
        overstated: Whether draws with repeats overstate it, as chance adds to distances; then the
            interval is moved so that its middle is the value.
    """

    label: str
    better: Better = Better.NEITHER
    seconds: bool = False
    overstated: bool = False


def _seconds(label: str) -> Measure:
    return Measure(label=label, better=Better.LOWER, seconds=True)


def _more(label: str) -> Measure:
    return Measure(label=label, better=Better.HIGHER)


def _less(label: str) -> Measure:
    return Measure(label=label, better=Better.LOWER)


DURATION = {
    "rmse_s": _seconds("RMSE s"),
    "mae_s": _seconds("MAE s"),
    "median_error_s": _seconds("median error s"),
    "pinball_s": _seconds("pinball s"),
    "coverage": Measure(label="coverage of 80 %"),
    "width_s": Measure(label="mean width s", seconds=True),
    "relative_width": Measure(label="width / p50"),
}
FAILURE = {
    "auc": _more("AUC"),
    "average_precision": _more("AP"),
    "f1": _more("F1"),
    "brier": _less("Brier"),
    "ece": Measure(label="ECE", better=Better.LOWER, overstated=True),
    "saved_at_95_recall": _more("saved at 95 %"),
    "warned": Measure(label="warned before"),
    "false_alarms": Measure(label="false alarms / builds"),
}
ORDER = {
    "apfd": _more("APFD"),
    "apfdc": _more("APFDc"),
    "napfd_at_50_percent": _more("NAPFD 50 %"),
    **{f"recall_at_{share}_percent": _more(f"recall {share} %") for share in TIME_SHARES},
    **{f"caught_at_{share}_percent": _more(f"builds {share} %") for share in TIME_SHARES},
}
SELECTION = {
    "selection_recall": _more("recall"),
    "selection_missed": _less("failing builds missed"),
    "selection_saved": _more("test time saved"),
    "selection_run_all": Measure(label="builds that ran all"),
}
_ALL = DURATION | FAILURE | ORDER | SELECTION


def for_target(name: str, target: str) -> str:
    """Name a figure about subsets for one target, such as `selection_recall [recall 0.95]`."""
    return f"{name} [{target}]"


def target_of(metric: str) -> str:
    """Return the target inside a figure's name; empty if there is none.

    Example:
        >>> target_of(for_target("selection_recall", "recall 0.95")), target_of("auc")
        ('recall 0.95', '')
    """
    return metric.partition(" [")[2].removesuffix("]")


def measure(metric: str) -> Measure:
    """Look up a figure by name, whatever part of the builds or target it is about.

    Example:
        >>> measure("auc_first").label, str(measure("mae_s").better)
        ('AUC', 'lower')
    """
    base = metric.partition(" [")[0].removesuffix(FIRST).removesuffix(REPEATED)
    return _ALL.get(base, Measure(label=base))
