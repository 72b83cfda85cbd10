"""What boosting gives and is asked for, whichever backend runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from training.config import BoostingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosted:
    """A booster for the levels of its configuration, as UBJ, cut to its best round.

    Attributes:
        booster: UBJ.
        rounds: That it holds.
        by: The backend that fitted it.
    """

    booster: bytes
    rounds: int
    by: str


def boosted(booster: Any, rounds: int, *, by: str) -> Boosted:
    """Cut an `xgboost.Booster` to its first *rounds* and write it down."""
    return Boosted(booster=bytes(booster[:rounds].save_raw("ubj")), rounds=rounds, by=by)


def parameters(config: BoostingConfig) -> dict[str, Any]:
    """Return XGBoost's parameters for *config*, for any backend."""
    return {
        "objective": "reg:quantileerror",
        "quantile_alpha": list(config.levels),
        "tree_method": "hist",
        "max_depth": config.max_depth,
        "learning_rate": config.learning_rate,
        "min_child_weight": config.min_child_weight,
        "subsample": config.subsample,
        "colsample_bytree": config.colsample_bytree,
        "reg_lambda": config.reg_lambda,
        "seed": config.seed,
        "nthread": 0,  # as many as Ray gives the actor; a number must not exceed its CPU share
    }
