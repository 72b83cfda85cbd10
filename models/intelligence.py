"""Test intelligence: from a row for each test to the probability that it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from devmind.errors import CorruptBundle
from models.bundle import Bundle, Manifest
from models.calibration import logit, platt
from models.exactness import Chosen, Predictor, reasons
from models.forest import flatten_trees, to_bytes
from models.names import TEST_INTELLIGENCE
from models.packed_forests import read_forest, samples_file
from models.recall_table import RecallTable

FOREST = "forest.npz"
"""The forest for all projects that have none of their own."""
OWN_FORESTS = "own_forests.json"
"""Project -> the file of its own forest."""
RULE = ("fail_ewma_h10", "failure_rate")
"""Columns whose mean is the simple rule that a forest's score is mixed with."""
_A, _B = "platt_a", "platt_b"
_EDGE = 1e-3  # a rule that has seen no failure says this much


class TestIntelligence:
    """Predicts which tests of a queued build fail.

    A project with a long history has a forest of its own, grown from its builds and a little help
    from the others'; all other projects share one. Where builds are few, a forest is no better
    than a simple rule and errs elsewhere, so that the mean of both beats either.

    Calibration it reads from the manifest: `rule_share` (`mixed`), `platt_a` and `platt_b` (on
    the mixed score; without them it is taken for a logit), the same followed by `:` and a
    project's name where the project has its own, `base_rate`, `min_history` (reports a project
    needs before a subset is chosen for it), and the recall table (`models.recall_table`).

    Args:
        forest: The forest for all.
        manifest: The bundle's; its features are the columns of a row.
        own: Project -> its own forest.
        by_library: Project, or the empty name for all -> why its forest is not a packed one.
    """

    __test__ = False  # pytest would take it for a test class

    def __init__(
        self,
        *,
        forest: Predictor,
        manifest: Manifest,
        own: Mapping[str, Predictor] | None = None,
        by_library: Mapping[str, str] | None = None,
    ) -> None:
        self.manifest = manifest
        self.by_library = by_library or {}
        self._forest = forest
        self._own = dict(own or {})
        self._rule_share = manifest.number("rule_share", 0.0)
        self.base_rate = manifest.number("base_rate", float("nan"))
        self.min_history = int(manifest.number("min_history", 0.0))
        self.recall_table = RecallTable.from_manifest(manifest)

    @classmethod
    def load(cls, bundle: Bundle, names: Sequence[str]) -> TestIntelligence:
        """Return the predictor of *bundle* for rows with columns *names*.

        Raises:
            FeatureSchemaMismatch: If it was trained on other features.
            CorruptBundle: If the bundle does not hold such forests.
        """
        bundle.check(TEST_INTELLIGENCE, names)
        files = {"": FOREST, **_own_files(bundle)}
        found: dict[str, Chosen[Predictor]] = {
            project: read_forest(bundle, file, len(tuple(names))) for project, file in files.items()
        }
        forests = {project: chosen.predictor for project, chosen in found.items()}
        try:
            return cls(
                forest=forests.pop(""),
                manifest=bundle.manifest,
                own=forests,
                by_library=reasons(found),
            )
        except ValueError as error:
            raise CorruptBundle(bundle.name, f"unusable calibration ({error})") from error

    def predict(self, rows: NDArray[np.floating], *, project: str = "") -> NDArray[np.float64]:
        """Return the probability that each test fails.

        Args:
            rows: (n, k), tests of one project that never ran among them.
            project: Whose tests they are; the forest for all answers for projects it does not
                know.

        Returns:
            float64 (n,), finite.
        """
        forest = self._own.get(project, self._forest)
        share = np.asarray(forest.predict(np.asarray(rows, dtype=np.float32)), dtype=np.float64)
        score = mixed(share, rows, self.manifest.features, self._rule_share)
        own = platt_names(project)
        a, b = own if own[0] in self.manifest.calibration else platt_names()
        return platt(score, self.manifest.number(a, 1.0), self.manifest.number(b, 0.0))


def mixed(
    share: NDArray[np.float64],
    rows: NDArray[np.floating],
    names: Sequence[str],
    rule_share: float,
) -> NDArray[np.float64]:
    """Mix what a forest says with a simple rule, as logits.

    Args:
        share: The forest's share of the failing class (n,).
        rows: What it was asked (n, k).
        names: The columns, those of `RULE` among them unless *rule_share* is 0.
        rule_share: What the rule weighs, from 0 to 1.

    Returns:
        A score (n,), still to be calibrated. A rule that says nothing of a row leaves the forest
        alone.
    """
    score = logit(share)
    if rule_share <= 0:
        return score
    columns = [tuple(names).index(name) for name in RULE]
    rule = logit(np.asarray(rows[:, columns], dtype=np.float64).mean(axis=1), edge=_EDGE)
    return np.where(np.isnan(rule), score, (1 - rule_share) * score + rule_share * rule)


def platt_names(project: str = "") -> tuple[str, str]:
    """Return what `platt_a` and `platt_b` of *project*, or of all, are called in a manifest."""
    return (f"{_A}:{project}", f"{_B}:{project}") if project else (_A, _B)


def files(trees: Sequence[Any], own: Mapping[str, Sequence[Any]] | None = None) -> dict[str, bytes]:
    """Return the files of a bundle for forests.

    Args:
        trees: Fitted scikit-learn trees of the classes False and True: `forest.estimators_`, or
            wherever they were grown; for all projects.
        own: Project -> the trees of its own forest.

    Raises:
        ValueError: If they are not such trees.
    """
    own = own or {}
    names = {project: f"forest-{i:05d}.npz" for i, project in enumerate(sorted(own))}
    forests = {FOREST: trees} | {names[project]: own[project] for project in names}
    return {
        **{file: to_bytes(flatten_trees(grown)) for file, grown in forests.items()},
        OWN_FORESTS: msgspec.json.encode(names, order="sorted"),
        **samples_file(forests),
    }


def _own_files(bundle: Bundle) -> dict[str, str]:
    if OWN_FORESTS not in bundle.files:
        return {}
    try:
        return msgspec.json.decode(bundle.file(OWN_FORESTS), type=dict[str, str])
    except msgspec.DecodeError as error:
        raise CorruptBundle(bundle.name, f"{OWN_FORESTS}: {error}") from error
