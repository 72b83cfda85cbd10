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
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_Numbers = NDArray[np.floating]

_STRIDE = 4
_EPSILON = 1e-5  # torch.nn.LayerNorm's default
_CHUNK = 1 << 18  # cells encoded at a time
_FEW = 16  # rows that one search for all columns is quicker for


class _Search:
    """Interpolates between a grid's values; all that does not depend on rows is done before."""

    def __init__(self, values: Floats, scores: Floats) -> None:
        c, q = values.shape
        feature, first = np.arange(c), np.arange(c) * q
        last = np.isfinite(values).sum(axis=1) - 1
        self._values, self._first = values, first
        self._least, self._most = values[:, 0], values[feature, last]
        self._top = first + np.maximum(last - 1, 0)
        self._sorted = _by_feature(feature[:, None], values).ravel()
        self._feature = feature
        right = np.minimum(np.arange(q) + 1, last[:, None])
        high = np.take_along_axis(values, right, axis=1)
        rises = high > values
        self._low = np.where(rises, values, 0.0)
        self._span = np.where(rises, high, 1.0) - self._low
        self._below = scores
        self._rise = np.where(rises, np.take_along_axis(scores, right, axis=1) - scores, 0.0)

    def scores(self, rows: Floats) -> Floats:
        """Return the normal scores of *rows* (n, c), nothing missing."""
        x = np.minimum(np.maximum(rows, self._least), self._most)
        left = np.minimum(self._left(x), self._top)
        share = (x - self._low.take(left)) / self._span.take(left)
        return np.asarray(self._below.take(left) + share * self._rise.take(left))

    def _left(self, x: Floats) -> NDArray[np.intp]:
        """Return the places of the values that *x* (n, c) is not below, counted through."""
        if len(x) < _FEW:
            keys = _by_feature(self._feature, x)
            return self._sorted.searchsorted(keys, side="right") - 1
        found = [v.searchsorted(x[:, i], side="right") for i, v in enumerate(self._values)]
        return np.asarray(np.stack(found, axis=1) + (self._first - 1), dtype=np.intp)


def _by_feature(feature: NDArray[np.integer], value: Floats) -> NDArray[np.complex128]:
    """Return numbers that are ordered by feature first and by value then: one search finds all."""
    key = np.empty(value.shape, dtype=np.complex128)
    key.real, key.imag = feature, value
    return key


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
    _search: _Search = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.columns.ndim != 1 or self.values.shape[:1] != self.columns.shape:
            raise ValueError(f"a grid of {self.values.shape} for {self.columns.shape} columns")
        if self.values.ndim != len(("c", "q")) or self.values.shape != self.scores.shape:
            raise ValueError(f"{self.values.shape} values have {self.scores.shape} scores")
        object.__setattr__(self, "_search", _Search(self.values, self.scores))

    def encode(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the network's inputs for *rows* (n, k): float32 (n, 2c).

        The first c are normal scores, linear between the grid's values and flat outside, 0 where a
        feature is unknown; the last c are 1 where it is unknown.
        """
        c = len(self.columns)
        out = np.empty((len(rows), 2 * c), dtype=np.float32)
        step = max(1, _CHUNK // max(1, c))
        for start in range(0, len(rows), step):
            part = np.asarray(rows[start : start + step][:, self.columns], dtype=np.float64)
            missing = np.isnan(part)
            np.copyto(part, 0.0, where=missing)
            scores = self._search.scores(part)
            np.copyto(scores, 0.0, where=missing)
            out[start : start + step, :c] = scores
            out[start : start + step, c:] = missing
        return out

    def inputs_of(self, features: NDArray[np.integer]) -> NDArray[np.intp]:
        """Return the places of the inputs that are made of *features* (m,), perhaps none."""
        place = np.flatnonzero(np.isin(self.columns, features))
        return np.append(place, place + len(self.columns))


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
    """A layer of all members: (members, in, out), and (members, 1, out) for the others."""

    weight: _Numbers
    bias: _Numbers
    norm_weight: _Numbers | None
    norm_bias: _Numbers | None

    def light(self) -> _Layer:
        """Return it in float32."""
        scale, shift = self.norm_weight, self.norm_bias
        return _Layer(
            self.weight.astype(np.float32),
            self.bias.astype(np.float32),
            None if scale is None else scale.astype(np.float32),
            None if shift is None else shift.astype(np.float32),
        )


class Network:
    """An ensemble of networks of one shape, computed all at once; knows no torch.

    Args:
        members: State dicts as the module docstring names them, arrays of any float type.

    Raises:
        ValueError: If a member does not have exactly the expected parameters and shapes, or
            another shape than the others.
    """

    def __init__(self, members: Sequence[Mapping[str, NDArray[np.floating]]]) -> None:
        if not members:
            raise ValueError("a network needs at least one member")
        shapes = {tuple((name, np.shape(m[name])) for name in sorted(m)) for m in members}
        if len(shapes) != 1:
            raise ValueError(f"members differ in parameters: {sorted(shapes)}")
        layers = [_layers(member) for member in members]
        self._layers = [_stacked(of_members) for of_members in zip(*layers, strict=True)]
        self._light = [layer.light() for layer in self._layers]
        self.inputs = self._layers[0].weight.shape[1]

    def logits(self, inputs: NDArray[np.floating]) -> Floats:
        """Return the mean logit of the members for *inputs* (n, 2c): float64 (n,)."""
        x = np.ascontiguousarray(inputs, dtype=np.float64)
        return _after(self._layers, np.matmul(x, self._layers[0].weight))

    def mixture_logits(self, start: Floats, steps: Floats, taken: NDArray[np.bool_]) -> Floats:
        """Return the logits of inputs that are *start* and some *steps*: float64 (m,).

        What many mixtures have in common goes through the first and largest layer once. Computed in
        float32, as they are many and only their differences matter: within about 1e-6.

        Args:
            start: Inputs (2c,).
            steps: What may be added to them (g, 2c).
            taken: Which steps each mixture takes (m, g).
        """
        first = self._light[0].weight
        moves = np.matmul(steps.astype(np.float32), first)
        begun = np.matmul(start.astype(np.float32), first)[:, None, :]
        return _after(self._light, np.matmul(taken.astype(np.float32), moves) + begun)


def parameter_names(hidden: int) -> tuple[str, ...]:
    """Return the parameters of a member with *hidden* hidden layers, in order.

    Example:
        >>> parameter_names(1)
        ('0.weight', '0.bias', '1.weight', '1.bias', '4.weight', '4.bias')
    """
    numbers = [n for i in range(hidden) for n in (_STRIDE * i, _STRIDE * i + 1)]
    numbers.append(_STRIDE * hidden)
    return tuple(f"{number}.{kind}" for number in numbers for kind in ("weight", "bias"))


Parameters = tuple[Floats, Floats, Floats | None, Floats | None]
"""A layer of one member: weight (in, out), bias, and those of its norm."""


def _layers(state: Mapping[str, NDArray[np.floating]]) -> list[Parameters]:
    hidden = (len(state) - 2) // _STRIDE
    expected = parameter_names(hidden)
    if set(state) != set(expected):
        raise ValueError(f"expected parameters {expected}, got {tuple(sorted(state))}")
    arrays = {name: np.asarray(value, dtype=np.float64) for name, value in state.items()}
    layers = [_layer(arrays, _STRIDE * i, norm=i < hidden) for i in range(hidden + 1)]
    weights = [weight for weight, *_ in layers]
    for before, after in pairwise(weights):
        if before.shape[1] != after.shape[0]:
            raise ValueError(f"layers do not fit: {before.shape}, {after.shape}")
    if weights[-1].shape[1] != 1:
        raise ValueError(f"the last layer gives {weights[-1].shape[1]} numbers, not 1")
    return layers


def _layer(arrays: Mapping[str, Floats], number: int, *, norm: bool) -> Parameters:
    weight, bias = arrays[f"{number}.weight"].T, arrays[f"{number}.bias"]
    scale, shift = (arrays[f"{number + 1}.{kind}"] if norm else None for kind in ("weight", "bias"))
    if weight.ndim != len(("in", "out")) or any(
        a is not None and a.shape != weight.shape[1:] for a in (bias, scale, shift)
    ):
        raise ValueError(f"layer {number} has parameters of odd shapes")
    if norm:  # what a norm subtracts first, the mean over the layer, is linear in its input
        weight, bias = weight - weight.mean(axis=1, keepdims=True), bias - bias.mean()
    return weight, bias, scale, shift


def _stacked(members: Sequence[Parameters]) -> _Layer:
    weight, bias, scale, shift = zip(*members, strict=True)
    if scale[0] is None:
        return _Layer(np.stack(weight), _rows(bias), None, None)
    return _Layer(np.stack(weight), _rows(bias), _rows(scale), _rows(shift))


def _after(layers: Sequence[_Layer], y: _Numbers) -> Floats:
    """Return the logits for what the first layer's weights gave (members, n, out)."""
    x = _activated(layers[0], y)
    for layer in layers[1:]:
        x = _activated(layer, np.matmul(x, layer.weight))
    return np.asarray(x[:, :, 0].mean(axis=0), dtype=np.float64)


def _activated(layer: _Layer, y: _Numbers) -> _Numbers:
    """Finish in place what the weights of *layer* gave (members, n, out)."""
    y += layer.bias
    if layer.norm_weight is None or layer.norm_bias is None:
        return y
    variance = np.einsum("mnd,mnd->mn", y, y) / y.shape[2]
    y *= (1 / np.sqrt(variance + _EPSILON))[:, :, None]
    y *= layer.norm_weight
    y += layer.norm_bias
    np.maximum(y, 0.0, out=y)
    return y


def _rows(vectors: Sequence[Floats]) -> Floats:
    return np.stack(vectors)[:, None, :]
