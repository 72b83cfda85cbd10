"""A bundle's forest as scikit-learn's own class again: the library's predictor, same answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def sklearn_forest(arrays: Mapping[str, NDArray[Any]], *, features: int) -> Any:
    """Return the forest that `models.forest.flatten_trees` made *arrays* of.

    Args:
        arrays: As in a bundle.
        features: How many columns a row has.

    Returns:
        A `RandomForestClassifier` whose `predict_proba` answers what the fitted one did: its
        thresholds are rounded down to float32, which is the same to every float32.
    """
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - slow to import

    ends = [*arrays["roots"][1:].tolist(), len(arrays["feature"])]
    forest = RandomForestClassifier(len(ends), n_jobs=1)
    forest.estimators_ = [
        _tree(arrays, int(root), end, features)
        for root, end in zip(arrays["roots"], ends, strict=True)
    ]
    forest.classes_, forest.n_classes_ = np.array([False, True]), 2
    forest.n_outputs_, forest.n_features_in_ = 1, features
    return forest


def _tree(arrays: Mapping[str, NDArray[Any]], root: int, end: int, features: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 - as above
    from sklearn.tree._tree import NODE_DTYPE, Tree  # noqa: PLC0415 - as above

    here = np.arange(root, end)
    leaf = arrays["left"][root:end] == here
    nodes = np.zeros(end - root, dtype=NODE_DTYPE)
    nodes["left_child"] = np.where(leaf, -1, arrays["left"][root:end] - root)
    nodes["right_child"] = np.where(leaf, -1, arrays["right"][root:end] - root)
    nodes["feature"] = np.where(leaf, -2, arrays["feature"][root:end])
    nodes["threshold"] = np.where(leaf, -2.0, arrays["threshold"][root:end])
    nodes["missing_go_to_left"] = arrays["missing_left"][root:end]
    nodes["n_node_samples"], nodes["weighted_n_node_samples"] = 1, 1.0
    failing = arrays["value"][root:end]
    values = np.ascontiguousarray(np.stack([1 - failing, failing], axis=1)[:, None, :])
    grown = Tree(features, np.array([2], dtype=np.intp), 1)
    state = {"node_count": len(nodes), "nodes": nodes, "values": values}
    grown.__setstate__({"max_depth": int(arrays["depth"][0]), **state})
    tree = DecisionTreeClassifier()
    tree.tree_, tree.classes_, tree.n_classes_ = grown, np.array([False, True]), 2
    tree.n_outputs_, tree.n_features_in_ = 1, features
    return tree
