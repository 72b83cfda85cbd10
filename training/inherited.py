"""Knobs that a search has found go on: the next version is trained with those of the champion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from devmind.errors import CorruptBundle, FeatureSchemaMismatch, InvalidInput
from models.bundle import read_bundle
from training.config import Config, default_config
from training.search_spaces import SPACES, chosen, shown


class Versions(Protocol):
    """The part of the registry that is needed here."""

    def champion(self, model: str) -> str | None:
        """Return the promoted version."""

    def fetch(self, model: str, version: str, into: Path) -> Path:
        """Return the folder of a version's bundle below *into*."""


def champions_knobs(versions: Versions, model: str, *, seed: int, folder: Path) -> Config:
    """Return the defaults, with the knobs turned that a search found for the champion.

    Args:
        versions: Where the champion is.
        model: One of `models.names.MODELS`.
        seed: Of everything random.
        folder: Scratch for the champion's bundle.

    Raises:
        ModelUnavailable: If the registry does not answer.
    """
    version = versions.champion(model)
    if version is None:
        return default_config(model, seed=seed)
    try:
        manifest = read_bundle(versions.fetch(model, version, folder)).manifest
    except (CorruptBundle, FeatureSchemaMismatch):  # whoever promotes it is told; not who trains
        return default_config(model, seed=seed)
    return inherited(model, manifest.config, seed=seed)


def inherited(model: str, config: Mapping[str, Any], *, seed: int) -> Config:
    """Return the defaults, with the knobs turned that *config* names as found.

    What this code does not search any more, or would not try, stays at its default.

    Args:
        model: One of `models.names.MODELS`.
        config: Of a manifest.
        seed: Of everything random.
    """
    base, space = default_config(model, seed=seed), SPACES[model]
    known = {knob.name: knob for knob in space}
    found = [name for name in config.get("found", ()) if name in known and name in config]
    try:
        values = {name: shown(config[name], known[name]) for name in found}
        return chosen(base, values, space) if values else base
    except (InvalidInput, TypeError, ValueError):
        return base
