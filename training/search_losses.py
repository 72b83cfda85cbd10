"""What a configuration costs: the loss of each model on one fold, lower is better.

Each is the recipe's own way from rows to predictions, made cheap where no searched knob is
touched: fewer boosters and forests of projects' own, fewer networks and trees.

- Durations: pinball loss in log seconds over all levels. It is what boosters learn, its middle
  level is the error the gate looks at, and a build that hung for days is one build in it.
- Failures: log loss of calibrated probabilities. It falls with a better order of builds, which the
  gate looks at, and unlike AUC tells configurations apart that order a few dozen failures alike.
- Tests: 1 - APFD, what the gate looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.build_optimizer import to_log_seconds
from models.calibration import fit_platt, platt
from models.metrics import pinball
from models.network import Network
from training.build_optimizer import uncalibrated
from training.config import BoostingConfig, Config, ForestConfig, NetworkConfig
from training.duration_boosters import FitQuantiles, Fits, fit_boosters, large_projects
from training.examples import Examples, Mask
from training.failure_predictor import FitNetwork, fitted
from training.fit_here import fit_forest_here, fit_network_here, fit_quantiles_here
from training.intelligence import scores_of_newer
from training.ranking_scorecards import mean_apfd
from training.recipe import Setting, inner_split
from training.search_folds import Fold
from training.shards import project_weights

OWN = 3
"""Projects that get a booster or a forest of their own in a trial."""
MEMBERS = 2
TREES = 60
_EDGE = 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFits:
    """How a trial fits; what is fitted in this process by default."""

    quantiles: FitQuantiles = fit_quantiles_here
    network: FitNetwork = fit_network_here


def fold_losses(
    known: Examples,
    folds: Sequence[Fold],
    config: Config,
    setting: Setting,
    fits: Callable[[Fold, int], TrialFits] = lambda _fold, _place: TrialFits(),
) -> Iterator[float]:
    """Yield the loss of *config* on each of *folds*, one after the other.

    Args:
        known: As `searched_rows` gives them.
        folds: In order of time.
        config: Of the model; says which loss it is.
        setting: Where shards go.
        fits: Told the fold and its place, says how to fit.
    """
    for place, fold in enumerate(folds):
        here = replace(setting, folder=setting.folder / str(place))
        yield _loss(known, fold, config, here, fits(fold, place))


def _loss(known: Examples, fold: Fold, config: Config, setting: Setting, fits: TrialFits) -> float:
    if isinstance(config, BoostingConfig):
        return duration_loss(known, fold, config, setting, fits.quantiles)
    if isinstance(config, NetworkConfig):
        return failure_loss(known, fold, config, setting, fits.network)
    return ranking_loss(known, fold, config, setting)


def duration_loss(
    known: Examples, fold: Fold, config: BoostingConfig, setting: Setting, fit: FitQuantiles
) -> float:
    """Return the mean pinball loss of the levels of *config*, in log seconds.

    Args:
        known: Builds that passed (n,).
        fold: Its asked builds are given to *fit* as the newer ones, which must not stop by them.
        config: The knobs.
        setting: Where shards go.
        fit: Fits the booster of all projects.
    """
    learned, asked = known.where(fold.learned), known.where(fold.asked)
    several = len(known.projects) > 1  # of one project its own booster would be another of all
    cheap = replace(config, own_most=OWN if several else 0)
    own = large_projects(learned, cheap)
    how = Fits(all=fit, own=fit_quantiles_here)
    newer = None if fit is fit_quantiles_here else asked
    boosters = fit_boosters(learned, own, cheap, setting, how, newer=newer)
    model = uncalibrated(boosters, learned, cheap, setting)
    said = np.empty((len(asked), len(config.levels)))
    for project in asked.projects:
        mine = np.asarray(asked.project == project)
        said[mine] = model.raw(asked.rows[mine], project)
    return pinball(to_log_seconds(asked.duration_s), said, levels=config.levels)


def failure_loss(
    known: Examples, fold: Fold, config: NetworkConfig, setting: Setting, fit: FitNetwork
) -> float:
    """Return the log loss of calibrated probabilities, in nats a build.

    As in the recipe, the newest builds of what is learned from are kept for calibration.
    """
    learned, asked = known.where(fold.learned), known.where(fold.asked)
    parts = inner_split(learned, setting)
    newest = learned.where(parts.calibration)
    cheap = replace(config, members=min(config.members, MEMBERS))
    older = learned.where(parts.fit | parts.stopping)
    grid, members = fitted(older, cheap, setting, part="fold", fit=fit)
    network = Network(members)
    weight = project_weights(newest.project, config.project_weight_exponent)
    a, b = fit_platt(network.logits(grid.encode(newest.rows)), newest.failed, weight=weight)
    return log_loss(asked.failed, platt(network.logits(grid.encode(asked.rows)), a, b))


def ranking_loss(known: Examples, fold: Fold, config: ForestConfig, setting: Setting) -> float:
    """Return 1 - mean APFD of the asked builds that can be ranked."""
    cheap = replace(
        config, trees=min(config.trees, TREES), own_forests=min(config.own_forests, OWN)
    )
    scores = scores_of_newer(known, fold.asked, cheap, setting.kin, fit=fit_forest_here)
    return 1.0 - mean_apfd(known.where(fold.asked), scores)


def log_loss(positive: Mask, probability: Floats) -> float:
    """Return the mean negative log-likelihood, in nats; no probability counts as impossible.

    Example:
        >>> round(log_loss(np.array([True, False]), np.array([0.5, 0.5])), 4)
        0.6931
    """
    p = np.clip(probability, _EDGE, 1 - _EDGE)
    return float(-np.mean(np.where(positive, np.log(p), np.log1p(-p))))
