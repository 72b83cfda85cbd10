"""The failure network: its inputs, its layers, and the forward pass that serving runs in numpy.

Shape of one member, by the names `torch.nn.Sequential` gives its layers::

    0 Linear(2c, 128)   1 LayerNorm   2 ReLU   3 Dropout
    4 Linear(128, 64)   5 LayerNorm   6 ReLU   7 Dropout
    8 Linear(64, 1)

Other hidden widths follow the same pattern: hidden layer i is `4i`, its norm `4i + 1`, the last
layer `4 * len(hidden)`. Dropout acts in training only. Members are averaged by their logits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STRIDE = 4
_EPSILON = 1e-5  # torch.nn.LayerNorm's default
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InputGrid:
    """Turns features into what the network sees: normal scores, and what is missing.

    Attributes:
        columns: int64 (c,), the features it looks at, ascending.
        values: float64 (c, q), distinct ascending values of each of them, padded with +inf.
        scores: float64 (c, q), the normal score of each value, padded with the last one.
    """

    columns: NDArray[np.int64]
    values: Floats
    scores: Floats

    def encode(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the network's inputs for *rows* (n, k): float32 (n, 2c).

        The first c are normal scores, linear between the grid's values and flat outside, 0 where a
        feature is unknown; the last c are 1 where it is unknown.
        """
        c, q = self.values.shape
        out = np.empty((len(rows), 2 * c), dtype=np.float32)
        step = max(1, _CHUNK // max(1, c * q))
        for start in range(0, len(rows), step):
            part = np.asarray(rows[start : start + step][:, self.columns], dtype=np.float64)
            missing = np.isnan(part)
            out[start : start + step, :c] = np.where(missing, 0.0, self._scores(part))
            out[start : start + step, c:] = missing
        return out

    def inputs_of(self, features: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return the places of the inputs that are made of *features* (m,), perhaps none."""
        place = np.flatnonzero(np.isin(self.columns, features))
        return np.append(place, place + len(self.columns))

    def _scores(self, rows: Floats) -> Floats:
        feature = np.arange(len(self.values))
        last = np.isfinite(self.values).sum(axis=1) - 1
        x = np.clip(rows, self.values[:, 0], self.values[feature, last])
        left = (self.values <= np.nan_to_num(x)[:, :, None]).sum(axis=2) - 1
        left = np.clip(left, 0, np.maximum(last - 1, 0))
        right = np.minimum(left + 1, last)
        low, high = self.values[feature, left], self.values[feature, right]
        share = np.where(high > low, (x - low) / np.where(high > low, high - low, 1.0), 0.0)
        below, above = self.scores[feature, left], self.scores[feature, right]
        return np.asarray(below + share * (above - below), dtype=np.float64)


def fit_grid(
    rows: NDArray[np.floating], *, knots: int = 101, columns: NDArray[np.integer] | None = None
) -> InputGrid:
    """Learn an `InputGrid` from training rows (n, k): quantiles and the scores they stand for.

    It looks at all features, or at *columns* (c,). Values that fill several quantiles (a yes or
    no, a count that is mostly 0) get the mean score of these. A feature that is constant, or never
    known, scores 0.
    """
    level = (np.arange(knots) + 0.5) / knots
    normal = np.array([NormalDist().inv_cdf(p) for p in level])
    seen = np.arange(rows.shape[1]) if columns is None else np.sort(columns)
    count = len(seen)
    values, scores = np.full((count, knots), np.inf), np.zeros((count, knots))
    for feature, where in enumerate(seen):
        column = np.asarray(rows[:, where], dtype=np.float64)
        known = column[np.isfinite(column)]
        grid = np.quantile(known, level) if known.size else np.zeros(knots)
        distinct, place, filled = np.unique(grid, return_inverse=True, return_counts=True)
        mean = np.bincount(place, normal) / filled
        values[feature, : distinct.size] = distinct
        scores[feature, : distinct.size] = mean if distinct.size > 1 else 0.0
        scores[feature, distinct.size :] = scores[feature, distinct.size - 1]
    return InputGrid(columns=seen.astype(np.int64), values=values, scores=scores)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    weight: Floats  # (in, out)
    bias: Floats
    norm_weight: Floats | None
    norm_bias: Floats | None


class Network:
    """An ensemble of networks of one shape; knows no torch.

    Args:
        members: State dicts as the module docstring names them, arrays of any float type.

    Raises:
        ValueError: If a member does not have exactly the expected parameters and shapes.
    """

    def __init__(self, members: Sequence[Mapping[str, NDArray[np.floating]]]) -> None:
        if not members:
            raise ValueError("a network needs at least one member")
        self._members = [_layers(member) for member in members]
        widths = {member[0].weight.shape[0] for member in self._members}
        if len(widths) != 1:
            raise ValueError(f"members expect different numbers of inputs: {sorted(widths)}")
        self.inputs = widths.pop()

    def logits(self, inputs: NDArray[np.floating]) -> Floats:
        """Return the mean logit of the members for *inputs* (n, 2c): float64 (n,)."""
        x = np.asarray(inputs, dtype=np.float64)
        return np.asarray(np.mean([_forward(layers, x) for layers in self._members], axis=0))


def parameter_names(hidden: int) -> tuple[str, ...]:
    """Return the parameters of a member with *hidden* hidden layers, in order.

    Example:
        >>> parameter_names(1)
        ('0.weight', '0.bias', '1.weight', '1.bias', '4.weight', '4.bias')
    """
    numbers = [n for i in range(hidden) for n in (_STRIDE * i, _STRIDE * i + 1)]
    numbers.append(_STRIDE * hidden)
    return tuple(f"{number}.{kind}" for number in numbers for kind in ("weight", "bias"))


def _layers(state: Mapping[str, NDArray[np.floating]]) -> list[_Layer]:
    hidden = (len(state) - 2) // _STRIDE
    expected = parameter_names(hidden)
    if set(state) != set(expected):
        raise ValueError(f"expected parameters {expected}, got {tuple(sorted(state))}")
    arrays = {name: np.asarray(value, dtype=np.float64) for name, value in state.items()}
    layers = [_layer(arrays, _STRIDE * i, norm=i < hidden) for i in range(hidden + 1)]
    for before, after in pairwise(layers):
        if before.weight.shape[1] != after.weight.shape[0]:
            raise ValueError(f"layers do not fit: {before.weight.shape}, {after.weight.shape}")
    if layers[-1].weight.shape[1] != 1:
        raise ValueError(f"the last layer gives {layers[-1].weight.shape[1]} numbers, not 1")
    return layers


def _layer(arrays: Mapping[str, Floats], number: int, *, norm: bool) -> _Layer:
    weight, bias = arrays[f"{number}.weight"].T, arrays[f"{number}.bias"]
    norms = [arrays[f"{number + 1}.{kind}"] if norm else None for kind in ("weight", "bias")]
    if weight.ndim != len(("in", "out")) or any(
        a is not None and a.shape != weight.shape[1:] for a in (bias, *norms)
    ):
        raise ValueError(f"layer {number} has parameters of odd shapes")
    return _Layer(np.ascontiguousarray(weight), bias, *norms)


def _forward(layers: Sequence[_Layer], x: Floats) -> Floats:
    for layer in layers:
        x = x @ layer.weight + layer.bias
        if layer.norm_weight is not None and layer.norm_bias is not None:
            centred = x - x.mean(axis=1, keepdims=True)
            spread = np.sqrt((centred**2).mean(axis=1, keepdims=True) + _EPSILON)
            x = np.maximum(centred / spread * layer.norm_weight + layer.norm_bias, 0.0)
    return x[:, 0]
