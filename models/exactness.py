"""Whether packed trees say what the library said: asked when a model loads, on a kept sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.flat_trees import Arrays

SAMPLE = 128
"""Rows that are kept beside the trees they test."""


class Predictor(Protocol):
    """Packed trees, or the library's."""

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return what is said of *rows* (n, k)."""
        ...


P = TypeVar("P", bound=Predictor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Rows (n, k), and what the library said of them."""

    rows: NDArray[np.float32]
    said: NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(Generic[P]):
    """What answers.

    Attributes:
        predictor: Packed trees if they are exact, else the library's.
        why_library: Why these are not packed trees; empty when they are.
    """

    predictor: P
    why_library: str = ""


def telling_rows(trees: Arrays, features: int, *, count: int = SAMPLE) -> NDArray[np.float32]:
    """Make rows (count, features) that tell trees apart; equal trees give equal rows.

    Each cell is a threshold that some node compares that feature with, the number next to it above
    or below, missing, infinite or zero of either sign. The first row misses everything.
    """
    rng = np.random.default_rng(0)
    rows = np.full((count, features), np.nan, dtype=np.float32)
    splits = trees["left"] != np.arange(len(trees["left"]))
    odd = np.array([np.nan, np.nan, np.inf, -np.inf, 0.0, -0.0], dtype=np.float32)
    for feature in range(features):
        at = np.unique(trees["threshold"][splits & (trees["feature"] == feature)])
        near = [at, np.nextafter(at, np.float32(np.inf)), np.nextafter(at, np.float32(-np.inf))]
        usual = rng.choice(np.concatenate([*near, odd[-2:]]), size=count - 1)
        seldom = rng.random(count - 1) < 0.2  # noqa: PLR2004 - often enough to matter
        rows[1:, feature] = np.where(seldom, rng.choice(odd, size=count - 1), usual)
    return rows


def equal(left: NDArray[Any], right: NDArray[Any]) -> bool:
    """Return whether two arrays are the same, bit by bit."""
    same = left.dtype == right.dtype and left.shape == right.shape
    return bool(same and left.tobytes() == right.tobytes())


def choose(
    packed: Callable[[], P], sample: Callable[[], Sample], library: Callable[[], P]
) -> Chosen[P]:
    """Return packed trees if they say what the library said, else the library's.

    Args:
        packed: Makes the packed trees.
        sample: Returns what the library said.
        library: Makes the library's, when they are needed.

    Raises:
        ValueError: If there are no such trees.
    """
    try:
        quick = packed()
    except ImportError as error:
        return Chosen(predictor=library(), why_library=f"{error.name} cannot be imported")
    except (OSError, RuntimeError) as error:  # LLVM does not know this machine
        return Chosen(predictor=library(), why_library=f"no machine code ({error})")
    kept = sample()
    if equal(np.asarray(quick.predict(kept.rows)), kept.said):
        return Chosen(predictor=quick)
    return Chosen(
        predictor=library(), why_library="packed trees do not say what the library said of a sample"
    )


def reasons(chosen: Mapping[str, Chosen[P]]) -> dict[str, str]:
    """Return why some of *chosen* are the library's, by the same names."""
    return {name: one.why_library for name, one in chosen.items() if one.why_library}
