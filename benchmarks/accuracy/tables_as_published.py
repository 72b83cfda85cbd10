"""The research sets by their own columns: published features and lags, for comparison with print.

Their lags look at the run before even if it had not finished, so no service could have answered
like this; the causal figures are the product's.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.examples import Examples

LEAKS = frozenset(
    "build_duration build_duration_original conclusion gh_num_pr_comments gh_is_pr"
    " gh_description_complexity gh_pull_req_number git_merged_with run_attempt_from_api"
    " fixed_with_api fetch_duration total_builds total_jobs workflow_id".split()
)
"""Columns that only time could tell, that repeat the target, or that never change."""

_LAGS = tuple(f"duration_lag_{lag}" for lag in range(1, 8))
_OURS = {
    "duration_lag_1": "pipeline_last_s",
    "window_avg_7": "pipeline_mean7_s",
    "window_avg_3": "pipeline_mean3_s",
}
"""Their columns that mean the same as ours, so that the recipe finds its footing."""


def published_examples(path: Path) -> Examples:
    """Read a table of GHAminer's features as examples, in the order of the file."""
    heads, table = _table(path)
    place = {name: i for i, name in enumerate(heads)}
    kept = [
        i for i, name in enumerate(heads) if name not in LEAKS and not name.startswith("tests_")
    ]
    rows = table[:, kept]
    lags = table[:, [place[name] for name in _LAGS]]
    duration_s = table[:, place["build_duration"]].astype(np.float64)
    types = rows[:, [heads[i].startswith("ft_") for i in kept]] > 0
    order = np.arange(len(table), dtype=np.int64)
    project = np.empty(len(table), dtype=object)
    project[:] = re.sub(r"_processed.*", "", path.stem)
    return Examples(
        names=(*_named(heads, kept), "pipeline_median7_s", "similar_s"),
        rows=np.column_stack([rows, np.median(lags, axis=1), like_these(types, duration_s)]),
        project=project,
        sequence=2 * order,
        known_at=2 * order + 1,
        queued_at=np.nancumsum(table[:, place["secs_since_prev"]].astype(np.float64)),
        duration_s=duration_s,
        failed=np.zeros(len(table), dtype=np.bool_),
        flaky=np.zeros(len(table), dtype=np.bool_),
        test=np.full(len(table), -1, dtype=np.int32),
    )


def like_these(
    types: NDArray[np.bool_], duration_s: NDArray[np.float64], *, window: int = 9
) -> NDArray[np.float32]:
    """Return the median duration of the last runs that touch the same file types (n,)."""
    seen: dict[bytes, list[float]] = {}
    found = np.full(len(types), np.nan, dtype=np.float32)
    for i, touched in enumerate(types):
        past = seen.setdefault(touched.tobytes(), [])
        if past:
            found[i] = np.median(past[-window:])
        past.append(float(duration_s[i]))
    return found


def _table(path: Path) -> tuple[list[str], NDArray[np.float32]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        heads, *rows = csv.reader(file)
    return heads, np.array([[_number(text) for text in row] for row in rows], dtype=np.float32)


def _named(heads: list[str], kept: list[int]) -> list[str]:
    """Name the columns apart; some tables have two of one name."""
    names = [_OURS.get(heads[i], heads[i]) for i in kept]
    return [name if names.index(name) == i else f"{name}#{i}" for i, name in enumerate(names)]


def _number(text: str) -> float:
    if text in ("True", "False"):
        return float(text == "True")
    try:
        return float(text)
    except ValueError:
        return float("nan")
