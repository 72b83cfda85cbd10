"""Duration prediction: from a feature row to p10, p50 and p90 in seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from devmind.errors import CorruptBundle
from features.recent_outcomes import RecentOutcomes
from models.boosters import BOOSTER, files
from models.bundle import Bundle, Manifest
from models.drift import Reference, references_of
from models.duration_inputs import DurationInputs
from models.exactness import reasons
from models.names import BUILD_OPTIMIZER
from models.packed import PackedBooster
from models.packed_boosters import read_boosters
from models.past_misses import MISSES, read_misses
from models.reasons import attribute, columns_of
from models.running_interval import NO_MISSES, Misses, Prior, RunningInterval

__all__ = [
    "BOOSTER",
    "QUANTILES",
    "BuildOptimizer",
    "Regressor",
    "files",
    "from_log_seconds",
    "to_log_seconds",
]

QUANTILES = (0.1, 0.5, 0.9)
"""What is answered; boosters may know more levels, among them these."""
_MOST = 20.0  # log seconds, 15 years: a float that explodes is no duration

Floats = NDArray[np.float64]


class Regressor(Protocol):
    """Anything that maps what boosters see (n, k) to quantiles (n, q), relative log seconds."""

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.floating]:
        """Return raw quantiles, in the order of the manifest's levels, perhaps crossing."""
        ...


class BuildOptimizer:
    """Predicts how long queued builds will run.

    Calibration it reads from the manifest: `cqr_low` and `cqr_high` (log1p seconds; how far the
    raw p10 and p90 move outwards where no running interval is given), `prior_below` and
    `prior_above` (misses of all projects), `min_history`.

    Args:
        regressor: The model of all projects.
        manifest: The bundle's.
        own: Project -> its own model, used when a running interval names the project.
        seeds: Project -> misses measured in training.
        references: Project -> how its rows were spread in training.
        by_library: Project, or the empty name for all -> why its model is the library's own.
    """

    def __init__(  # noqa: PLR0913 - all by keyword, each a part of its own
        self,
        *,
        regressor: Regressor,
        manifest: Manifest,
        own: Mapping[str, Regressor] | None = None,
        seeds: Mapping[str, Misses] | None = None,
        references: Mapping[str, Reference] | None = None,
        by_library: Mapping[str, str] | None = None,
    ) -> None:
        self.references = references or {}
        self.by_library = by_library or {}
        self.manifest = manifest
        self.min_history = int(manifest.number("min_history", 0.0))
        self._regressor, self._own, self._seeds = regressor, own or {}, seeds or {}
        self._low, self._high = manifest.number("cqr_low", 0.0), manifest.number("cqr_high", 0.0)
        self.prior = Prior(
            below=_known(manifest.array("prior_below"), self._low),
            above=_known(manifest.array("prior_above"), self._high),
        )
        self._inputs = DurationInputs.from_json(manifest.features, manifest.config.get("inputs"))
        levels = tuple(manifest.config.get("levels", QUANTILES))
        self._served = [levels.index(level) for level in QUANTILES]
        self._shares = _shares(levels)
        self._columns = columns_of(manifest.features, manifest.groups)
        self._medians = {
            project: _alone(known, self._served[1])
            for project, known in {"": regressor, **self._own}.items()
        }

    @classmethod
    def load(cls, bundle: Bundle, names: Sequence[str]) -> BuildOptimizer:
        """Return the predictor of *bundle* for rows with columns *names*.

        Raises:
            FeatureSchemaMismatch: If it was trained on other features.
            CorruptBundle: If the bundle does not hold such boosters.
        """
        bundle.check(BUILD_OPTIMIZER, names)
        config = bundle.manifest.config
        try:
            inputs = DurationInputs.from_json(names, config.get("inputs"))
            levels = tuple(config.get("levels", QUANTILES))
            for level in QUANTILES:
                levels.index(level)
            own_of, seeded = tuple(config.get("own", ())), tuple(config.get("seeded", ()))
        except (TypeError, ValueError, AttributeError) as error:
            raise CorruptBundle(bundle.name, f"its configuration: {error}") from error
        shape = (len(inputs.seen), len(levels))
        shared, own = read_boosters(bundle, own_of, shape)
        seeds = read_misses(bundle.file(MISSES), seeded, bundle.name) if seeded else {}
        references = references_of(bundle)
        return cls(
            regressor=shared.predictor,
            manifest=bundle.manifest,
            own={project: chosen.predictor for project, chosen in own.items()},
            seeds=seeds,
            references=references,
            by_library=reasons({"": shared, **own}),
        )

    def predict(
        self, rows: NDArray[np.floating], *, running: RunningInterval | None = None
    ) -> Floats:
        """Return p10, p50, p90 of the duration of each build of *rows* (n, k): seconds (n, 3).

        Ascending in each row and never negative.

        Args:
            rows: Builds of one project if *running* is given.
            running: Of the project, as of now: brings its own model and its interval.
        """
        return self.answer(self.raw(rows, "" if running is None else running.project), running)

    def answer(self, raw: Floats, running: RunningInterval | None = None) -> Floats:
        """Return p10, p50, p90 in seconds (n, 3) for what `raw` returned (n, q)."""
        low, middle, high = raw[:, self._served].T
        down, up = (self._low, self._high) if running is None else (running.low, running.high)
        sides = [np.minimum(low - down, middle), middle, np.maximum(high + up, middle)]
        return from_log_seconds(np.stack(sides, axis=1))

    def mean_s(
        self, rows: NDArray[np.floating], *, running: RunningInterval | None = None
    ) -> Floats:
        """Return the mean duration of each build of *rows* (n, k): seconds (n,).

        The median has the least absolute error; this has the least squared one, and is what sums
        of builds want.
        """
        return self.mean_of(self.raw(rows, "" if running is None else running.project))

    def mean_of(self, raw: Floats) -> Floats:
        """Return the mean in seconds (n,) for what `raw` returned (n, q)."""
        return np.asarray(from_log_seconds(raw) @ self._shares)

    def raw(self, rows: NDArray[np.floating], project: str = "") -> Floats:
        """Return all quantiles of *rows* (n, k) as log1p seconds (n, q), ascending, uncalibrated.

        By the model of *project* if there is one, else by that of all projects.
        """
        regressor, level = self._own.get(project, self._regressor), self._inputs.level(rows)
        said = regressor.predict(self._inputs.encode_at(rows, level)).astype(np.float64)
        said.sort(axis=1)
        return said + level[:, None]

    def misses(self, outcomes: RecentOutcomes, project: str) -> Misses:
        """Return by how much the durations of *outcomes* lay outside the raw interval."""
        if not len(outcomes):
            return NO_MISSES
        raw = self.raw(outcomes.rows, project)
        return self.misses_of(raw, outcomes.duration_s, outcomes.sequence, outcomes.known_at)

    def misses_of(
        self,
        raw: Floats,
        duration_s: Floats,
        sequence: NDArray[np.int64],
        known_at: NDArray[np.int64],
    ) -> Misses:
        """Return the misses of what `raw` returned (n, q), given what came of it."""
        low, _, high = raw[:, self._served].T
        actual = to_log_seconds(duration_s)
        return Misses(below=low - actual, above=actual - high, sequence=sequence, known_at=known_at)

    def seeds(self, project: str) -> Misses:
        """Return the misses of *project* that were measured when the model was trained."""
        return self._seeds.get(project, NO_MISSES)

    def learned_until(self, project: str) -> int:
        """Return the newest event of *project* that the weights have seen, or -1."""
        return self.manifest.learned_until.get(project, -1)

    def explain(
        self,
        row: NDArray[np.floating],
        *,
        running: RunningInterval | None = None,
        orderings: int = 16,
        seed: int = 0,
    ) -> dict[str, float]:
        """Return each feature group's part of p50, against that of a typical build.

        Args:
            row: The build's row (k,).
            running: As for `predict`.
            orderings: More are steadier and slower.
            seed: Equal seeds give equal answers.

        Returns:
            Group -> seconds it adds; together `p50(row) - p50(baseline)`.
        """
        row = np.asarray(row, dtype=np.float32)
        ends = np.stack([row, self.manifest.baseline_row])
        project = "" if running is None else running.project
        median = partial(self._median, project)

        def all_levels(rows: NDArray[np.floating]) -> Floats:
            return self.predict(rows, running=running)[:, 1]

        # Where levels cross, p50 is another level's: then all have to be asked.
        alone = np.array_equal(median(ends), all_levels(ends))
        return attribute(
            median if alone else all_levels,
            row,
            self.manifest.baseline_row,
            self._columns,
            orderings=orderings,
            seed=seed,
        )

    def _median(self, project: str, rows: NDArray[np.floating]) -> Floats:
        """Return what the trees of the median alone say of *rows* (n, k): seconds (n,)."""
        level = self._inputs.level(rows)
        said = self._medians.get(project, self._medians[""])(self._inputs.encode_at(rows, level))
        raw = said.astype(np.float64) + level[:, None]
        return from_log_seconds(raw)[:, 0]


def to_log_seconds(seconds: NDArray[np.floating]) -> Floats:
    """Return what the model speaks in: log1p of seconds."""
    return np.log1p(np.asarray(seconds, dtype=np.float64))


def from_log_seconds(quantiles: NDArray[np.floating]) -> Floats:
    """Return ascending, non-negative seconds (n, q) for quantiles of log1p seconds."""
    return np.asarray(np.expm1(np.clip(np.sort(quantiles, axis=1), 0.0, _MOST)), dtype=np.float64)


def _alone(
    regressor: Regressor, quantile: int
) -> Callable[[NDArray[np.float32]], NDArray[np.floating]]:
    """Return what predicts one quantile (n, 1): by its own trees, where these can be told apart."""
    if isinstance(regressor, PackedBooster):
        return regressor.only(quantile).predict
    return lambda rows: np.asarray(regressor.predict(rows))[:, quantile : quantile + 1]


def _known(misses: Floats, otherwise: float) -> Floats:
    return misses if misses.size else np.array([otherwise])


def _shares(levels: Sequence[float]) -> Floats:
    """How much of all builds lies nearest to each of *levels*."""
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(levels)), 1.0]
    return np.diff(np.array(edges))
