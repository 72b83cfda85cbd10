"""Test intelligence: from a row for each test to the probability that it fails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devmind.errors import CorruptBundle
from models.bundle import Bundle, Manifest
from models.calibration import logit, platt
from models.forest import FlatForest, flatten_trees, from_bytes, to_bytes
from models.names import TEST_INTELLIGENCE
from models.recall_table import RecallTable

FOREST = "forest.npz"


class TestIntelligence:
    """Predicts which tests of a queued build fail.

    Calibration it reads from the manifest: `platt_a` and `platt_b` (on the logit of the forest's
    share; without them the share is the answer), `base_rate`, `min_history` (reports a project
    needs before a subset is chosen for it), and the recall table (`models.recall_table`).

    Args:
        forest: The fitted forest.
        manifest: The bundle's.
    """

    __test__ = False  # pytest would take it for a test class

    def __init__(self, *, forest: FlatForest, manifest: Manifest) -> None:
        self.manifest = manifest
        self._forest = forest
        self._calibrated = "platt_a" in manifest.calibration
        self._a, self._b = manifest.number("platt_a", 1.0), manifest.number("platt_b", 0.0)
        self.base_rate = manifest.number("base_rate", float("nan"))
        self.min_history = int(manifest.number("min_history", 0.0))
        self.recall_table = RecallTable.from_manifest(manifest)

    @classmethod
    def load(cls, bundle: Bundle, names: Sequence[str]) -> TestIntelligence:
        """Return the predictor of *bundle* for rows with columns *names*.

        Raises:
            FeatureSchemaMismatch: If it was trained on other features.
            CorruptBundle: If the bundle does not hold such a forest.
        """
        bundle.check(TEST_INTELLIGENCE, names)
        try:
            forest = FlatForest(from_bytes(bundle.file(FOREST)), features=len(tuple(names)))
            return cls(forest=forest, manifest=bundle.manifest)
        except ValueError as error:
            raise CorruptBundle(
                bundle.name, f"{FOREST} does not hold a forest ({error})"
            ) from error

    def predict(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probability that each test of *rows* (n, k) fails: (n,)."""
        share = self._forest.predict(rows)
        return platt(logit(share), self._a, self._b) if self._calibrated else share


def files(trees: Sequence[Any]) -> dict[str, bytes]:
    """Return the files of a bundle for a forest.

    Args:
        trees: Fitted scikit-learn trees of the classes False and True: `forest.estimators_`, or
            wherever they were grown.

    Raises:
        ValueError: If they are not such trees.
    """
    return {FOREST: to_bytes(flatten_trees(trees))}
