"""Misses measured in training, as a file of a bundle: what running intervals begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from devmind.errors import CorruptBundle
from features.recent_outcomes import BUILDS
from models.running_interval import Misses, Prior

MISSES = "misses.safetensors"
_GRID = np.linspace(0.01, 0.99, 50)
_KINDS = {"below": np.float64, "above": np.float64, "sequence": np.int64, "known_at": np.int64}
_COLUMNS = tuple(field.name for field in fields(Misses))


def write_misses(misses: Mapping[str, Misses]) -> bytes:
    """Return the newest `BUILDS` misses of each project as a safetensors file.

    Args:
        misses: Project -> misses; the manifest's configuration lists them as `seeded`, in order.
    """
    return save_tensors(
        {
            f"{i:04d}.{name}": np.ascontiguousarray(getattr(own, name)[-BUILDS:], _KINDS[name])
            for i, own in enumerate(misses.values())
            for name in _COLUMNS
        }
    )


def read_misses(body: bytes, projects: Sequence[str], bundle: str) -> dict[str, Misses]:
    """Return what `write_misses` wrote.

    Raises:
        CorruptBundle: If *body* is something else.
    """
    try:
        tensors = load_tensors(body)
        found = [
            Misses(**{name: tensors[f"{i:04d}.{name}"] for name in _COLUMNS})
            for i in range(len(projects))
        ]
    except (SafetensorError, KeyError, ValueError) as error:
        raise CorruptBundle(bundle, f"{MISSES} does not hold misses ({error})") from error
    lengths = {getattr(one, name).shape for one in found for name in _COLUMNS}
    if any(len(shape) != 1 for shape in lengths) or any(_ragged(one) for one in found):
        raise CorruptBundle(bundle, f"{MISSES} holds columns of unequal length")
    return dict(zip(projects, found, strict=True))


def _ragged(misses: Misses) -> bool:
    return len({len(getattr(misses, name)) for name in _COLUMNS}) > 1


def prior_of(misses: Mapping[str, Misses]) -> Prior:
    """Return a grid of quantiles of the misses of all projects, each project having equal say."""
    below, above = (
        (
            np.mean([np.quantile(getattr(own, side), _GRID) for own in misses.values()], axis=0)
            if misses
            else np.zeros(0)
        )
        for side in ("below", "above")
    )
    return Prior(below=np.asarray(below), above=np.asarray(above))
