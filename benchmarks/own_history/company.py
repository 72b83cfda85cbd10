"""The simulated company: which tests cover a file, and which a change broke, is known there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.own_history.replaying import known_tests
from devmind.ci import BuildId
from devmind.simulate import ProjectTruth
from history.events import BuildQueued, StoredEvent
from models.metrics import auc
from training.examples import Examples, Mask


def covering(truth: ProjectTruth, events: Sequence[StoredEvent], examples: Examples) -> Mask:
    """Return whether each row's test covers a file that its build changes: (n,)."""
    covers = {test.name: test.covers for test in truth.tests}
    found: dict[int, frozenset[str]] = {}
    for event in events:
        if isinstance(event, BuildQueued):
            changed = {file.path for file in event.build.change.files}
            touched = (name for name, files in covers.items() if changed & files)
            found[event.sequence] = frozenset(touched)
    return _among(found, events, examples)


def broken_by_change(
    broken: Mapping[BuildId, frozenset[str]], events: Sequence[StoredEvent], examples: Examples
) -> Mask:
    """Return whether each row's test failed because of a change, not for nothing: (n,).

    Args:
        broken: Names of such tests by build.
        events: The history.
        examples: Rows of tests.
    """
    found = {
        event.sequence: broken.get(event.build_id, frozenset())
        for event in events
        if isinstance(event, BuildQueued)
    }
    return _among(found, events, examples) & examples.failed


def finds_covering(
    examples: Examples, asked: Mask, covers: Mask, scores: Mapping[str, NDArray[np.floating]]
) -> dict[str, list[float]]:
    """Return by rule, for each asked build, the AUC of its scores for covering tests.

    Builds whose change no test covers, or every test, tell nothing and are left out.
    """
    found: dict[str, list[float]] = {rule: [] for rule in scores}
    where = np.flatnonzero(asked)
    starts = np.flatnonzero(np.diff(examples.sequence[where])) + 1
    for build in np.split(where, starts):
        truth = covers[build]
        if 0 < truth.sum() < len(truth):
            for rule, score in scores.items():
                said = np.nan_to_num(score[build].astype(np.float64), nan=-1.0)
                found[rule].append(auc(truth, said))
    return found


def _among(
    names: Mapping[int, frozenset[str]], events: Sequence[StoredEvent], examples: Examples
) -> Mask:
    """Whether the name of each row's test is among those of its build's sequence number."""
    tests = known_tests(events)
    pairs = zip(examples.sequence.tolist(), examples.test.tolist(), strict=True)
    return np.array([tests.name(one) in names[at] for at, one in pairs], dtype=np.bool_)
