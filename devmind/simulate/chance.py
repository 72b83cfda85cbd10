"""Chance: the same for the same seed, on every machine."""

from __future__ import annotations

from random import Random


def make_rng(seed: str) -> Random:
    """Return a source of chance that gives the same for the same *seed* everywhere."""
    return Random(seed)  # noqa: S311 - it makes up a company, not secrets


def happens(rng: Random, probability: float) -> bool:
    """Whether something of this probability happens this time."""
    return rng.random() < probability
