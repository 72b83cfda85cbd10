"""Made-up replays: projects whose predictions are as good as asked for."""

from __future__ import annotations

import numpy as np

from evaluation.replayed import Replayed
from evaluation.results import Durations, Failures, Published, RankedBuild, Rankings

DAY_S = 86_400.0
START = 1_700_000_000.0


def durations(project="shop", n=200, *, seed=0, ours=0.1, theirs=0.3):
    rng = np.random.default_rng(seed)
    actual = 300 * np.exp(rng.normal(0, 0.2, n))
    said = actual * np.exp(rng.normal(0, ours, n))
    return Durations(
        project=project,
        queued_at=START + DAY_S * np.arange(n) / 10,
        actual_s=actual,
        quantiles_s=np.stack([said * np.exp(z * ours) for z in (-1.28, 0, 1.28)], axis=1),
        mean_s=said,
        baselines_s={
            "last_run": actual * np.exp(rng.normal(0, theirs, n)),
            "mean_of_7": actual * np.exp(rng.normal(0, 0.8 * theirs, n)),
        },
    )


def failures(project="shop", n=400, *, seed=0, rate=0.3, skill=2.0):
    rng = np.random.default_rng(seed)
    failed = rng.random(n) < rate
    previous = np.concatenate([[np.nan], failed[:-1].astype(np.float64)])
    return Failures(
        project=project,
        queued_at=START + DAY_S * np.arange(n) / 10,
        failed=failed,
        probability=_probability(failed, rate, skill, rng),
        threshold=0.4,
        previous_failed=previous,
        baselines={
            "ewma": _probability(failed, rate, 0.7, rng),
            "previous_outcome": np.nan_to_num(previous, nan=rate),
        },
        thresholds={"ewma": 0.4, "previous_outcome": 0.5},
    )


def rankings(project="shop", n=80, *, seed=0, failing=0.6, skill=2.0):
    rng = np.random.default_rng(seed)
    return Rankings(
        project=project,
        builds=tuple(_build(i, failing, skill, rng) for i in range(n)),
    )


def replayed(*, projects=("shop", "bank"), data="two companies", mode="causal"):
    return Replayed(
        data=data,
        mode=mode,
        durations=tuple(durations(name, seed=i) for i, name in enumerate(projects)),
        failures=tuple(failures(name, seed=i) for i, name in enumerate(projects)),
        rankings=tuple(rankings(name, seed=i) for i, name in enumerate(projects)),
        published=(Published(rule="their XGBoost", metric="rmse_s", values={"shop": 90.0}),),
    )


def _probability(failed, rate, skill, rng):
    """Bayes' answer to a score that is `skill` standard deviations higher for failures."""
    score = rng.normal(skill * failed, 1.0)
    odds = rate / (1 - rate) * np.exp(skill * score - skill**2 / 2)
    return odds / (1 + odds)


def _build(number, failing, skill, rng, *, tests=40):
    failed = rng.random(tests) < 0.08
    failed &= rng.random() < failing
    ours, theirs = (_probability(failed, 0.08, much, rng) for much in (skill, 1.0))
    cost = np.exp(rng.normal(1, 1, tests))
    chosen = ours >= np.quantile(ours, 0.6)
    return RankedBuild(
        queued_at=START + DAY_S * number,
        failed=failed,
        probability=ours,
        cost_s=cost,
        expected_s=np.where(rng.random(tests) < 0.1, np.nan, cost),
        baselines={"ewma": theirs},
        selected={"recall 0.95": ours >= np.quantile(ours, 0.25), "time 30 %": chosen},
        run_all={"recall 0.95": "", "time 30 %": ""},
    )
