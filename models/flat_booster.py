"""Boosters of XGBoost as flat arrays."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.flat_trees import BOOSTER_TYPES

_AS_THEY_ARE = ("reg:quantileerror", "reg:squarederror", "reg:absoluteerror")
"""Objectives that answer the sum of the trees, not a function of it."""


def flatten_booster(body: bytes) -> dict[str, NDArray[Any]]:
    """Return a booster as the arrays that `models.flat_trees` tells of.

    Args:
        body: `booster.save_raw("json")`.

    Raises:
        ValueError: If it is something that the arrays cannot say: other objectives than those of
            `_AS_THEY_ARE`, boosters that are no `gbtree`, categories, trees of several targets.
    """
    try:
        learner = json.loads(body)["learner"]
        objective, kind = learner["objective"]["name"], learner["gradient_booster"]["name"]
        if objective not in _AS_THEY_ARE or kind != "gbtree":
            raise ValueError(f"{kind} with the objective {objective}")
        model = learner["gradient_booster"]["model"]
        _refuse_others(model["trees"])
        return _arrays(learner["learner_model_param"], model)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a booster ({error!r})") from error


def _refuse_others(trees: list[dict[str, Any]]) -> None:
    for tree in trees:
        if any(tree["split_type"]) or int(tree["tree_param"]["size_leaf_vector"]) > 1:
            raise ValueError("splits by category, or trees of several targets")


def _arrays(described: dict[str, Any], model: dict[str, Any]) -> dict[str, NDArray[Any]]:
    trees = model["trees"]
    sizes = [len(tree["left_children"]) for tree in trees]
    roots = np.cumsum([0, *sizes])[:-1]
    nodes = [_nodes(tree, root) for tree, root in zip(trees, roots, strict=True)]
    flat = {name: np.concatenate([each[name] for each in nodes]) for name in nodes[0]}
    groups = max(1, int(described["num_class"]), int(described.get("num_target", 1)))
    base = np.array(described["base_score"].strip("[]").split(","), dtype=np.float32)
    flat |= {
        "roots": roots,
        "depth": np.array([_depth(flat, roots)]),
        "group": np.array(model["tree_info"]),
        "base": np.broadcast_to(base, (groups,)),
    }
    return {name: flat[name].astype(dtype) for name, dtype in BOOSTER_TYPES.items()}


def _nodes(tree: dict[str, Any], root: int) -> dict[str, NDArray[Any]]:
    left, right = np.array(tree["left_children"]), np.array(tree["right_children"])
    here, leaf = root + np.arange(len(left)), left < 0
    condition = np.array(tree["split_conditions"], dtype=np.float32)  # of a leaf, its value
    return {
        "feature": np.where(leaf, 0, tree["split_indices"]),
        "threshold": np.where(leaf, np.float32(0), condition),
        "left": np.where(leaf, here, root + left),
        "right": np.where(leaf, here, root + right),
        "missing_left": np.array(tree["default_left"], dtype=np.bool_),
        "value": np.where(leaf, condition, np.float32(0)),
    }


def _depth(flat: dict[str, NDArray[Any]], roots: NDArray[np.int64]) -> int:
    level, depth = roots, 0
    while (level := level[flat["left"][level] != level]).size:
        level = np.concatenate([flat["left"][level], flat["right"][level]])
        depth += 1
    return depth
