"""Trees as flat arrays: what is in them, and which of them are refused.

Over the nodes of all trees: `feature` int32, `threshold` float32, `left` and `right` int32 (a leaf
points to itself), `missing_left` bool (where NaN goes), `value` (of leaves; a forest's are float64,
a booster's float32); `roots` int32, one a tree; `depth` int32 (1,), of the deepest.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Arrays = Mapping[str, NDArray[Any]]
FOREST_TYPES: Mapping[str, DTypeLike] = MappingProxyType(
    {
        "feature": np.int32,
        "threshold": np.float32,
        "left": np.int32,
        "right": np.int32,
        "missing_left": np.bool_,
        "value": np.float64,
        "roots": np.int32,
        "depth": np.int32,
    }
)
BOOSTER_TYPES: Mapping[str, DTypeLike] = MappingProxyType(
    {**FOREST_TYPES, "value": np.float32, "group": np.int32, "base": np.float32}
)
"""Boosters have several targets: `group` says which one a tree adds to, `base` begins each."""
_NOT_NODES = {"roots", "depth", "group", "base"}


def refuse_odd(arrays: Arrays, types: Mapping[str, DTypeLike], features: int) -> None:
    """Refuse arrays by which a walk would leave them.

    Args:
        arrays: By name.
        types: `FOREST_TYPES` or `BOOSTER_TYPES`.
        features: How many columns a row has.

    Raises:
        ValueError: If an array is missing, of another type or length, or points outside.
    """
    if set(arrays) != set(types):
        raise ValueError(f"expected arrays {sorted(types)}, got {sorted(arrays)}")
    for name, dtype in types.items():
        if arrays[name].dtype != dtype or arrays[name].ndim != 1:
            raise ValueError(f"{name} is {arrays[name].dtype} {arrays[name].shape}")
    nodes, trees = arrays["value"].size, arrays["roots"].size
    if any(arrays[name].size != nodes for name in set(types) - _NOT_NODES) or not trees:
        raise ValueError("arrays of nodes differ in length, or there is no tree")
    if arrays["depth"].size != 1 or not 0 <= arrays["depth"][0] < nodes:
        raise ValueError(f"depth is {arrays['depth']} for {nodes} nodes")
    limits = {"feature": features, "left": nodes, "right": nodes, "roots": nodes}
    if "group" in types:
        limits["group"] = arrays["base"].size
        if arrays["group"].size != trees:
            raise ValueError(f"{trees} trees have {arrays['group'].size} groups")
    for name, limit in limits.items():
        if arrays[name].min() < 0 or arrays[name].max() >= limit:
            raise ValueError(f"{name} points outside of {limit}")
