"""What a search is asked for: everything a trial needs, fit to be sent to another node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.config import Config, Workers
from training.recipe import Setting
from training.search_spaces import Knob
from training.search_trials import Trial

OnTrials = Callable[[Sequence[Trial]], None]
"""Told all trials so far whenever one of them has moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A search.

    Attributes:
        model: One of `models.names.MODELS`.
        base: The default configuration, the seed included; the knobs of `space` are turned on it.
        space: What is varied.
        trials: At most so many.
        seconds: It may take, start-up and running trials included; infinite without a limit.
        workers: That share a fit; must fit into what the cluster has free.
        concurrent: Trials at a time; 0 for as many as free CPUs allow. With 1 a search repeats.
        setting: Where and how; every worker reaches its folder.
        examples: File of the rows that the search may see.
        storage: Folder of the search, which a later process may go on with.
    """

    model: str
    base: Config
    space: tuple[Knob, ...]
    trials: int
    seconds: float
    workers: Workers
    concurrent: int
    setting: Setting
    examples: Path
    storage: Path

    @property
    def scratch(self) -> Path:
        """Folder of the trials' shards."""
        return self.storage / "scratch"


def quietly(_stage: str) -> None:
    """Tell nobody which stage of a recipe begins: a trial's stages are nobody's business."""
