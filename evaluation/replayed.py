"""A set of histories replayed in one mode: what there is to report about."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.results import Durations, Failures, Published, Rankings

CAUSAL = "causal"
"""Every row knows only what had finished before it was queued: the product."""
AS_PUBLISHED = "as published"
"""The columns and lags of a publication, for comparison with print only."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replayed:
    """What was said and what happened in one set of projects.

    Attributes:
        data: What the set is called in tables.
        mode: `CAUSAL` or `AS_PUBLISHED`.
        durations: One a project.
        failures: One a project.
        rankings: One a project.
        published: Numbers in print to stand beside ours.
    """

    data: str
    mode: str = CAUSAL
    durations: tuple[Durations, ...] = ()
    failures: tuple[Failures, ...] = ()
    rankings: tuple[Rankings, ...] = ()
    published: tuple[Published, ...] = ()
