"""How far rows and outcomes have moved since a model was trained: the population stability index.

A bundle keeps, for each project it has learned from, how the values of each feature, the durations
and the failures were spread. What has been seen lately is counted into the same bins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from devmind.errors import CorruptBundle
from models.bundle import Bundle

DRIFT = "drift.safetensors"
"""The file of a bundle that holds its references; older bundles have none."""
BINS = 8
ROWS = 2_000
"""Newest training rows of a project that its reference is made of."""
ENOUGH = 100
"""With fewer rows on either side nothing is said."""
MOST_PROJECTS = 100
FALSE_ALARMS = 0.01
"""Comparisons of all columns in which one seems to have moved although none has."""
_SMOOTHED = 0.5
_NAMES = "names.json"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """How values were spread when a model was trained.

    Attributes:
        edges: float32 (k, BINS - 1), ascending inner borders; NaN where there are fewer.
        counts: float32 (k, BINS + 1), rows in each bin, the last for unknown values.
    """

    edges: NDArray[np.float32]
    counts: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far something has moved.

    Attributes:
        psi: Population stability index, freed of what chance adds; below 0.1 is calm, above 0.25
            is another population.
        where: The column that has moved most.
        rows: How many rows were compared with the reference.
    """

    psi: float
    where: str
    rows: int


def reference(values: NDArray[np.floating]) -> Reference:
    """Return how the columns of *values* (n, k) are spread: by their quantiles, NaN apart."""
    edges = np.full((values.shape[1], BINS - 1), np.nan, dtype=np.float32)
    for column, row in enumerate(np.asarray(values, dtype=np.float32).T):
        known = row[np.isfinite(row)]
        if known.size:
            found = np.unique(np.quantile(known, np.arange(1, BINS) / BINS).astype(np.float32))
            edges[column, : found.size] = found
    blank = Reference(edges=edges, counts=np.zeros((len(edges), BINS + 1), dtype=np.float32))
    return Reference(edges=edges, counts=_counted(values, blank).astype(np.float32))


def psi(before: Floats, now: Floats) -> Floats:
    """Return the population stability index of each row of counts, freed of what chance adds.

    With shares p and q over B bins it is `sum((p - q) * ln(p / q))`; counts are smoothed by half
    a row a bin, so that an empty bin is finite. Without any drift its expectation is
    `(B - 1) * (1 / n + 1 / m)` for n and m rows, which is taken off; what is left is at least 0.

    Args:
        before: Rows counted in each bin (k, b).
        now: Likewise, of what is compared (k, b).

    Returns:
        (k,), at least 0.

    References:
        Siddiqi, "Credit Risk Scorecards", 2006 (the index). Yurdakul, "Statistical Properties of
        Population Stability Index", 2018 (its distribution without drift).

    Example:
        >>> same = np.array([[50.0, 50.0]])
        >>> float(psi(same, same)[0]), bool(psi(same, np.array([[90.0, 10.0]]))[0] > 0.25)
        (0.0, True)
    """
    used = (before + now) > 0
    p, q = _shares(before, used), _shares(now, used)
    raw = np.where(used, (p - q) * np.log(np.where(used, p / q, 1.0)), 0.0).sum(axis=1)
    chance = (used.sum(axis=1) - 1) * (1 / before.sum(axis=1) + 1 / now.sum(axis=1))
    return np.asarray(np.maximum(raw - chance, 0.0))


def drift(before: Reference, now: NDArray[np.floating], names: Sequence[str]) -> Drift | None:
    """Return how far the column that moved most has moved.

    Of so many columns one always seems to have moved. A column counts only if its index is beyond
    what chance alone brings about in one of a hundred comparisons of all of them (Bonferroni's
    bound on the chi-squared distribution that the index has without drift); if none is, the
    answer is 0.

    Args:
        before: Of k columns.
        now: What has been seen lately (m, k).
        names: Of the columns.

    Returns:
        `None` with fewer than `ENOUGH` rows on either side, or without columns.
    """
    kept = before.counts.sum(axis=1)
    if not kept.size or len(now) < ENOUGH or kept.max() < ENOUGH:
        return None
    old, new = before.counts.astype(np.float64), _counted(now, before)
    moved = psi(old, new)
    moved = np.where(moved > _luck(old, new), moved, 0.0)
    most = int(np.argmax(moved))
    return Drift(psi=round(float(moved[most]), 4), where=names[most], rows=len(now))


def _luck(before: Floats, now: Floats) -> Floats:
    """Return what chance adds to the index of each column, beyond its expectation (k,).

    The quantile of the chi-squared distribution is that of Wilson and Hilferty, 1931.
    """
    freedom = np.maximum(((before + now) > 0).sum(axis=1) - 1, 1)
    z = NormalDist().inv_cdf(1 - FALSE_ALARMS / len(before))
    spread = 2 / (9 * freedom)
    quantile = freedom * (1 - spread + z * np.sqrt(spread)) ** 3
    return np.asarray(
        (quantile - freedom) * (1 / before.sum(axis=1) + 1 / now.sum(axis=1)), dtype=np.float64
    )


def write_references(found: Mapping[str, Reference]) -> bytes:
    """Return the file of a bundle for references by project."""
    names = sorted(found)[:MOST_PROJECTS]
    tensors = {_NAMES: np.frombuffer(msgspec.json.encode(names), dtype=np.uint8)}
    for number, name in enumerate(names):
        tensors[f"{number}.edges"] = np.ascontiguousarray(found[name].edges)
        tensors[f"{number}.counts"] = np.ascontiguousarray(found[name].counts)
    written: bytes = save_tensors(tensors)
    return written


def read_references(body: bytes) -> dict[str, Reference]:
    """Return what `write_references` wrote.

    Raises:
        ValueError: If *body* is damaged.
    """
    try:
        tensors = load_tensors(body)
        names = msgspec.json.decode(tensors[_NAMES].tobytes(), type=list[str])
        return {
            name: Reference(edges=tensors[f"{i}.edges"], counts=tensors[f"{i}.counts"])
            for i, name in enumerate(names)
        }
    except (SafetensorError, KeyError, msgspec.DecodeError) as error:
        raise ValueError(f"no references ({error})") from error


def references_of(bundle: Bundle) -> dict[str, Reference]:
    """Return the references of a bundle; none of one that was made before there were any.

    Raises:
        CorruptBundle: If they are damaged.
    """
    if DRIFT not in bundle.files:
        return {}
    try:
        return read_references(bundle.file(DRIFT))
    except ValueError as error:
        raise CorruptBundle(bundle.name, f"{DRIFT}: {error}") from error


def outcome_columns(duration_s: NDArray[np.floating], failed: NDArray[np.bool_]) -> Floats:
    """Return outcomes (n,) as columns for a reference (n, 2): durations of passed builds, failures.

    A build that failed says nothing of durations.
    """
    seconds = np.where(failed, np.nan, np.asarray(duration_s, dtype=np.float64))
    return np.stack([seconds, failed.astype(np.float64)], axis=1)


def outcome_drift(before: Reference, now: Floats) -> Drift | None:
    """Return how far durations and the failure rate have moved, whichever moved more.

    Args:
        before: Of the two columns of `outcome_columns`.
        now: Likewise, lately (m, 2).
    """
    known = Reference(edges=before.edges, counts=before.counts.copy())
    known.counts[0, -1] = 0.0  # durations are compared among passed builds alone
    lately = [column[np.isfinite(column)][:, None] for column in now.T]
    parts = [
        drift(_one(known, i), lately[i], (name,)) for i, name in enumerate(("duration_s", "failed"))
    ]
    return max((part for part in parts if part), key=lambda part: part.psi, default=None)


def _one(whole: Reference, column: int) -> Reference:
    one = slice(column, column + 1)
    return Reference(edges=whole.edges[one], counts=whole.counts[one])


def _counted(values: NDArray[np.floating], into: Reference) -> Floats:
    """Count *values* (n, k) into the bins of *into*: (k, BINS + 1)."""
    counts = np.zeros((len(into.edges), BINS + 1))
    for column, row in enumerate(np.asarray(values, dtype=np.float32).T):
        edges = into.edges[column]
        place = np.searchsorted(edges[np.isfinite(edges)], row, side="right")
        place = np.where(np.isfinite(row), place, BINS)
        counts[column] = np.bincount(place, minlength=BINS + 1)
    return counts


def _shares(counts: Floats, used: NDArray[np.bool_]) -> Floats:
    smooth = np.where(used, counts + _SMOOTHED, 0.0)
    return np.asarray(smooth / smooth.sum(axis=1, keepdims=True))
