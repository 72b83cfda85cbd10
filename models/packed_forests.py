"""Packed forests of a bundle, and the file with what scikit-learn said of a sample of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from devmind.errors import CorruptBundle
from models.bundle import Bundle
from models.exactness import Chosen, Predictor, Sample, choose, telling_rows
from models.flat_trees import Arrays
from models.forest import FlatForest, flatten_trees, from_bytes
from models.packed import PackedForest

SAMPLES = "forest_samples.safetensors"


def samples_file(forests: Mapping[str, Sequence[Any]]) -> dict[str, bytes]:
    """Return the file for forests, by the names of their own files.

    Args:
        forests: Fitted scikit-learn trees, as for `models.intelligence.files`.
    """
    tensors: dict[str, NDArray[Any]] = {}
    for file, trees in forests.items():
        rows = telling_rows(flatten_trees(trees), int(trees[0].n_features_in_))
        rows = np.where(np.isinf(rows), np.float32(0), rows)  # scikit-learn takes none
        tensors |= {f"{file}.rows": rows, f"{file}.said": mean_share(trees, rows)}
    return {SAMPLES: save_tensors(tensors)}


def mean_share(trees: Sequence[Any], rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what `RandomForestClassifier.predict_proba` says of the failing class (n,)."""
    total = np.zeros(len(rows))
    for tree in trees:
        total += tree.predict_proba(rows)[:, 1]
    return total / len(trees)


def read_forest(bundle: Bundle, file: str, features: int) -> Chosen[Predictor]:
    """Return the forest in *file*, packed where that is exact, else in numpy.

    What is exact is what scikit-learn said when the bundle was made; in bundles without a sample,
    what numpy says now.

    Raises:
        CorruptBundle: If the bundle does not hold such a forest.
    """
    try:
        arrays = from_bytes(bundle.file(file))
        flat = FlatForest(arrays, features=features)
        packed = partial(PackedForest, arrays, features=features)
        return choose(packed, lambda: _sample(bundle, file, arrays, flat), lambda: flat)
    except (SafetensorError, KeyError, ValueError) as error:
        raise CorruptBundle(bundle.name, f"{file} does not hold a forest ({error})") from error


def _sample(bundle: Bundle, file: str, arrays: Arrays, flat: FlatForest) -> Sample:
    if SAMPLES not in bundle.files:
        rows = telling_rows(arrays, flat.features)
        return Sample(rows=rows, said=flat.predict(rows))
    tensors = load_tensors(bundle.file(SAMPLES))
    return Sample(rows=tensors[f"{file}.rows"], said=tensors[f"{file}.said"])
