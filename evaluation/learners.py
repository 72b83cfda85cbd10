"""The product's three recipes, ready to be refitted in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path

import features
from models.bundle import code_version
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from training import build_optimizer, failure_predictor, intelligence
from training.config import BoostingConfig, ForestConfig, NetworkConfig
from training.examples import Examples
from training.fit_here import fit_forest_here, fit_network_here, fit_quantiles_here
from training.recipe import Learned, Setting
from training.recipes import groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Learners:
    """Learns a model from what was known, with the knobs that ship.

    Attributes:
        folder: Scratch for shards; emptied after every fit.
        now: Written into the manifests, aware UTC.
        seed: Of everything random.
        needed: Builds below which nothing is learned.
    """

    folder: Path
    now: datetime
    seed: int = 0
    needed: int = 50
    _fits: count[int] = field(default_factory=count)

    def durations(self, known: Examples) -> Learned:
        """Learn a build optimizer."""
        config = BoostingConfig(seed=self.seed)
        return self._within(
            BUILD_OPTIMIZER,
            known,
            lambda s: build_optimizer.learn(known, config, s, fit=fit_quantiles_here),
        )

    def failures(self, known: Examples) -> Learned:
        """Learn a failure predictor."""
        config = NetworkConfig(seed=self.seed)
        return self._within(
            FAILURE_PREDICTOR,
            known,
            lambda s: failure_predictor.learn(known, config, s, fit=fit_network_here),
        )

    def tests(self, known: Examples) -> Learned:
        """Learn test intelligence."""
        config = ForestConfig(seed=self.seed)
        return self._within(
            TEST_INTELLIGENCE,
            known,
            lambda s: intelligence.learn(known, config, s, fit=fit_forest_here),
        )

    def _within(self, model: str, known: Examples, learn: Callable[[Setting], Learned]) -> Learned:
        folder = self.folder / f"{next(self._fits):05d}"
        try:
            return learn(replace(self._setting(model, known), folder=folder))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _setting(self, model: str, known: Examples) -> Setting:
        there = set(known.names)  # a publication has columns of its own
        own = {g: tuple(n for n in names if n in there) for g, names in groups(model).items()}
        return Setting(
            folder=self.folder,
            shards=1,
            needed=self.needed,
            now=self.now,
            code_version=code_version(Path(features.__file__).parent),
            groups=own,
            on_stage=lambda _stage: None,
        )
