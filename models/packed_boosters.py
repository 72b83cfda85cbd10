"""Packed boosters as a file of a bundle, beside XGBoost's own: a replica reads one or the other.

The file holds the arrays of each booster, and what XGBoost said of a sample when it was made. A
bundle without it was made before there was one, or by boosters that cannot be packed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from devmind.errors import CorruptBundle
from models.boosters import BOOSTER, OWN, Booster, own_bodies, read_booster
from models.bundle import Bundle
from models.exactness import Chosen, Predictor, Sample, choose, telling_rows
from models.flat_booster import flatten_booster
from models.packed import PackedBooster

PACKED = "packed.safetensors"
_ROWS, _SAID = "sample.rows", "sample.said"
_ALL = "all"
Tensors = Mapping[str, NDArray[Any]]


def packed_file(booster: bytes, own: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the file for boosters, nothing if one of them cannot be packed.

    Args:
        booster: As for `models.boosters.files`.
        own: As there, and in the same order.
    """
    named = {_ALL: booster} | {_own(i): body for i, body in enumerate((own or {}).values())}
    tensors: dict[str, NDArray[Any]] = {}
    for name, body in named.items():
        try:
            arrays, sample = _packed(Booster(body))
        except ValueError:
            return {}
        arrays |= {_ROWS: sample.rows, _SAID: np.asarray(sample.said)}
        tensors |= {f"{name}.{key}": np.ascontiguousarray(a) for key, a in arrays.items()}
    return {PACKED: save_tensors(tensors)}


def read_boosters(
    bundle: Bundle, own: Sequence[str], shape: tuple[int, int]
) -> tuple[Chosen[Predictor], dict[str, Chosen[Predictor]]]:
    """Return the booster of all projects and those of the projects *own*, packed where exact.

    Args:
        bundle: Its name is for messages.
        own: Projects that have one, in the order of the file.
        shape: How many numbers each must take, and how many give.

    Raises:
        CorruptBundle: If one is missing or damaged.
    """

    @cache
    def bodies() -> list[bytes]:
        return own_bodies(bundle.file(OWN), len(own), bundle.name)

    def of_all() -> Booster:
        return read_booster(bundle.file(BOOSTER), bundle.name, shape)

    def of_project(place: int) -> Booster:
        return read_booster(bodies()[place], bundle.name, shape, file=OWN)

    libraries: dict[str, Callable[[], Booster]] = {_ALL: of_all}
    libraries |= {_own(place): partial(of_project, place) for place in range(len(own))}
    found = _beside(bundle, libraries, shape) if PACKED in bundle.files else _before(libraries)
    shared = found.pop(_ALL)
    return shared, dict(zip(own, found.values(), strict=True))


def _beside(
    bundle: Bundle, libraries: Mapping[str, Callable[[], Booster]], shape: tuple[int, int]
) -> dict[str, Chosen[Predictor]]:
    """Choose by what lies in the file."""
    try:
        tensors = load_tensors(bundle.file(PACKED))
        return {
            name: choose(*_kept(tensors, name, shape), library)
            for name, library in libraries.items()
        }
    except (SafetensorError, KeyError, ValueError) as error:
        raise CorruptBundle(bundle.name, f"{PACKED} does not hold boosters ({error})") from error


def _kept(
    tensors: Tensors, name: str, shape: tuple[int, int]
) -> tuple[Callable[[], PackedBooster], Callable[[], Sample]]:
    start = f"{name}."
    arrays = {key.removeprefix(start): a for key, a in tensors.items() if key.startswith(start)}
    sample = Sample(rows=arrays.pop(_ROWS), said=arrays.pop(_SAID))
    takes, gives = shape
    if sample.rows.shape[1:] != (takes,) or sample.said.shape != (len(sample.rows), gives):
        raise ValueError(f"a sample of {sample.rows.shape}, answered by {sample.said.shape}")
    return partial(PackedBooster, arrays, features=takes), lambda: sample


def _before(libraries: Mapping[str, Callable[[], Booster]]) -> dict[str, Chosen[Predictor]]:
    """Choose by what the library says now, for bundles without the file."""
    return {name: _choose_now(library()) for name, library in libraries.items()}


def _choose_now(booster: Booster) -> Chosen[Predictor]:
    try:
        arrays, sample = _packed(booster)
        packed = partial(PackedBooster, arrays, features=booster.features)
        return choose(packed, lambda: sample, lambda: booster)
    except ValueError as error:
        return Chosen(predictor=booster, why_library=f"it cannot be packed ({error})")


def _packed(booster: Booster) -> tuple[dict[str, NDArray[Any]], Sample]:
    arrays = flatten_booster(booster.as_json())
    rows = telling_rows(arrays, booster.features)
    return arrays, Sample(rows=rows, said=booster.predict(rows))


def _own(place: int) -> str:
    return f"own{place:04d}"
