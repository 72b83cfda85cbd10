"""How far a project has moved since the version that serves it was trained, as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

import msgspec
import numpy as np

from deployments.model_slot import Loaded
from features.build_state import BuildState
from models.drift import Reference, drift, outcome_columns, outcome_drift
from models.manifest import Manifest


class Learned(Protocol):
    """A model that knows how its rows were spread in training."""

    manifest: Manifest
    references: Mapping[str, Reference]


def build_drift(loaded: Loaded[Any], state: BuildState, project: str) -> bytes:
    """Return the drift of rows and of outcomes, of builds that are news to the version.

    Nothing is said of a project that the version has no reference of, or with too few news.
    """
    model: Learned = loaded.model
    before = model.references.get(project)
    found: dict[str, object] = {"version": loaded.version}
    if before is not None:
        recent = state.outcomes
        news = recent.where(recent.sequence > model.manifest.learned_until.get(project, -1))
        rows = Reference(edges=before.edges[:-2], counts=before.counts[:-2])
        came = Reference(edges=before.edges[-2:], counts=before.counts[-2:])
        outcomes = outcome_columns(news.duration_s, np.asarray(news.failed))
        parts = {
            "feature_drift": drift(rows, news.rows, BuildState.names),
            "outcome_drift": outcome_drift(came, outcomes),
        }
        found |= {name: asdict(part) for name, part in parts.items() if part is not None}
    return msgspec.json.encode(found)


def no_drift(_loaded: object, _state: object, _project: str) -> bytes:
    """Return that nothing is known: rows of tests are too many to be kept."""
    return b"{}"
