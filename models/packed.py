"""Packed trees: what a library says of rows, bit by bit, sooner (`benchmarks.serving.predictors`).

The arrays of `models.flat_trees` in the shape that `models.tree_kernel` walks. Where NaN goes is
told by the column that a node looks at: each row is seen twice, once with NaN in it, which is never
below a threshold, and once with -inf in its place, which always is.

References:
    XGBoost 2.0.3, src/predictor/cpu_predictor.cc: `x < t` goes left, NaN as `default_left` says,
    float32 sums in the order of the trees that start at `base_score`. scikit-learn 1.9,
    sklearn/tree/_tree.pyx and ensemble/_forest.py: `x <= t` goes left with x float32 and t float64,
    NaN as `missing_go_to_left` says, float64 sums in the order of the trees, divided at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.flat_trees import BOOSTER_TYPES, FOREST_TYPES, Arrays, refuse_odd

Rows = NDArray[np.floating]


class _Walked:
    def __init__(self, arrays: Arrays, types: Mapping[str, DTypeLike], features: int) -> None:
        from models.tree_kernel import ARRAYS, BLOCK, walk  # noqa: PLC0415 - heavy, perhaps absent

        refuse_odd(arrays, types, features)
        trees = len(arrays["roots"])
        node, right, leaf = _side_by_side(arrays)
        column = arrays["feature"] + features * arrays["missing_left"]
        self._base = arrays.get("base", np.zeros(1))
        self._features, self._block = features, BLOCK
        self._arrays = {
            "column": _index(column[node]),
            "threshold": np.where(leaf, np.float32(np.nan), arrays["threshold"][node]),
            "right": _index(right),
            "value": np.ascontiguousarray(arrays["value"][node]),
            "roots": _index(np.arange(trees)),
            "group": _index(arrays.get("group", np.zeros(trees))),
        }
        self._names, self._depth = ARRAYS, int(arrays["depth"][0])
        self._walk = walk(self._arrays["value"].dtype)
        self._point()

    def _point(self) -> None:
        """Say to the machine code where everything is."""
        counts = [self._features, len(self._base), len(self._arrays["roots"]), self._depth]
        addresses = [self._arrays[name].ctypes.data for name in self._names]
        self._trees = np.array(addresses + counts, dtype=np.int64)
        self._at = _address(self._trees)

    def sums(self, rows: Rows) -> NDArray[Any]:
        """Return the sum of each group's trees (n, g) for *rows* (n, k), begun at the base.

        Raises:
            ValueError: If rows have another number of columns.
        """
        x = np.ascontiguousarray(rows, dtype=np.float32)
        if x.ndim != len(("n", "k")) or x.shape[1] != self._features:
            raise ValueError(f"rows are {x.shape}, expected {self._features} columns")
        out = np.empty((len(x), len(self._base)), dtype=self._arrays["value"].dtype)
        out[:] = self._base
        image = np.empty((min(len(x), self._block), 2 * self._features), dtype=np.float32)
        self._walk(_address(x), _address(image), _address(out), len(x), self._at)
        return out


class PackedForest(_Walked):
    """A forest that says what scikit-learn's `predict_proba` does, bit by bit.

    Args:
        arrays: What `models.forest.flatten` returned.
        features: How many columns a row has.

    Raises:
        ValueError: If an array is missing, of another type, or points outside.
        ImportError: If there is nothing to make machine code with.
    """

    def __init__(self, arrays: Arrays, *, features: int) -> None:
        super().__init__(arrays, FOREST_TYPES, features)
        self._count = len(arrays["roots"])

    def predict(self, rows: Rows) -> NDArray[np.float64]:
        """Return the mean share of the failing class over the trees, for *rows* (n, k): (n,)."""
        return np.asarray(self.sums(rows)[:, 0] / self._count, dtype=np.float64)


class PackedBooster(_Walked):
    """A booster that says what XGBoost's `inplace_predict` does, bit by bit.

    Args:
        arrays: What `models.flat_booster.flatten_booster` returned.
        features: How many columns a row has.

    Raises:
        ValueError: If an array is missing, of another type, or points outside; or a threshold is
            below all numbers, so that missing values cannot be told from these.
        ImportError: If there is nothing to make machine code with.
    """

    def __init__(self, arrays: Arrays, *, features: int) -> None:
        super().__init__(arrays, BOOSTER_TYPES, features)
        if np.isneginf(arrays["threshold"]).any():
            raise ValueError("a threshold is below all numbers")

    def predict(self, rows: Rows) -> NDArray[np.float32]:
        """Return the quantiles (n, q) of *rows* (n, k)."""
        return self.sums(rows)

    def only(self, quantile: int) -> PackedBooster:
        """Return what predicts one of the quantiles (n, 1) alone; it shares the nodes."""
        found = copy(self)
        found._narrow(quantile)  # noqa: SLF001 - it is one of these
        return found

    def _narrow(self, quantile: int) -> None:
        trees = self._arrays["group"] == quantile
        group = np.zeros(np.count_nonzero(trees), dtype=np.uint32)
        self._arrays = {**self._arrays, "roots": self._arrays["roots"][trees], "group": group}
        self._base = self._base[quantile : quantile + 1]
        self._point()


def _side_by_side(
    arrays: Arrays,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Put roots first and siblings side by side, the right one before the left one.

    Returns:
        For each place the node that lies there, the place of its right child, and whether it is a
        leaf: its right child is itself, and its threshold has to be one that nothing is below.
    """
    here, left, right = np.arange(len(arrays["left"])), arrays["left"], arrays["right"]
    inner = np.flatnonzero((left != here) | (right != here))
    roots = arrays["roots"]
    pairs = np.stack([right[inner], left[inner]], axis=1)
    node = np.concatenate([roots, pairs.ravel()]).astype(np.intp)
    first = np.full(len(here), -1)
    first[inner] = len(roots) + 2 * np.arange(len(inner))
    leaf = first[node] < 0
    return node, np.where(leaf, np.arange(len(node)), first[node]), leaf


def _index(places: NDArray[Any]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(places, dtype=np.uint32)


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])
