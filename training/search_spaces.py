"""What a search varies: for each model the few knobs that matter most, and how far they go.

Not searched are knobs whose best value is known without looking (more trees and more networks are
better and slower), those that only share out work, and those that decide what is promised (levels
of quantiles, folds of calibration).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from devmind.errors import InvalidInput
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from training.config import Config

Value = float | int | str
Values = Mapping[str, Value]
"""Knob -> its value, as a search proposes and a table shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """One thing to vary.

    Attributes:
        name: Of the field of the model's configuration.
        low: Smallest value.
        high: Largest value.
        log: Whether a factor counts the same at both ends.
        whole: Whether only whole numbers make sense.
        choices: What may be chosen instead of a number; widths of layers are written `128-64`.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[str, ...] = ()

    def allows(self, value: Value) -> bool:
        """Whether *value* is one this knob can take."""
        if self.choices:
            return value in self.choices
        return not isinstance(value, str) and self.low <= value <= self.high


_ALL_PROJECTS = frozenset({"lent_builds"})
"""Knobs without influence where there is only one project."""

SPACES: dict[str, tuple[Knob, ...]] = {
    BUILD_OPTIMIZER: (
        Knob(name="rounds", low=40, high=400, log=True, whole=True),
        Knob(name="max_depth", low=2, high=8, whole=True),
        Knob(name="learning_rate", low=0.01, high=0.3, log=True),
        Knob(name="min_child_weight", low=1, high=50, log=True),
        Knob(name="subsample", low=0.5, high=1.0),
        Knob(name="colsample_bytree", low=0.2, high=1.0),
        Knob(name="reg_lambda", low=0.1, high=30, log=True),
    ),
    FAILURE_PREDICTOR: (
        Knob(name="hidden", choices=("64", "64-32", "128-64", "256-128")),
        Knob(name="features", low=20, high=150, whole=True),
        Knob(name="dropout", low=0.1, high=0.7),
        Knob(name="epochs", low=4, high=30, log=True, whole=True),
        Knob(name="learning_rate", low=3e-4, high=1e-2, log=True),
        Knob(name="weight_decay", low=1e-6, high=1e-1, log=True),
    ),
    TEST_INTELLIGENCE: (
        Knob(name="max_depth", low=2, high=14, whole=True),
        Knob(name="min_samples_leaf", low=2, high=80, log=True, whole=True),
        Knob(name="max_features", choices=("sqrt", "log2", "0.3", "0.6")),
        Knob(name="row_share", low=0.05, high=0.9),
        Knob(name="rule_share", low=0.0, high=1.0),
        Knob(name="lent_builds", low=0.0, high=40.0),
    ),
}


def space_of(model: str, *, projects: int) -> tuple[Knob, ...]:
    """Return the knobs that can make a difference to *model* with so many projects."""
    return tuple(k for k in SPACES[model] if projects > 1 or k.name not in _ALL_PROJECTS)


def values_of(config: Config, space: tuple[Knob, ...]) -> dict[str, Value]:
    """Return where *config* lies in *space*.

    Example:
        >>> from training.config import NetworkConfig
        >>> values_of(NetworkConfig(), SPACES["failure_predictor"])["hidden"]
        '128-64'
    """
    return {knob.name: shown(getattr(config, knob.name), knob) for knob in space}


def with_values(config: Config, values: Values, space: tuple[Knob, ...]) -> Config:
    """Return *config* with the knobs of *values* turned.

    Raises:
        InvalidInput: If a value lies outside *space*, or is of no knob of it.
    """
    known = {knob.name: knob for knob in space}
    for name, value in values.items():
        if name not in known:
            raise InvalidInput("knob", name, f"This search varies {', '.join(known)}.")
        if not known[name].allows(value):
            raise InvalidInput(name, value, "It lies outside what this search varies.")
    turned: dict[str, Any] = {n: _meant(v, known[n]) for n, v in values.items()}
    return replace(config, **turned)


def chosen(config: Config, values: Values, space: tuple[Knob, ...]) -> Config:
    """Return *config* with the knobs of *values* turned, and these named as found.

    Raises:
        InvalidInput: As `with_values` does.
    """
    return replace(with_values(config, values, space), found=tuple(sorted(values)))


def shown(value: Any, knob: Knob) -> Value:
    """Return a configuration's *value* as trials write it."""
    if isinstance(value, list | tuple):
        return "-".join(str(width) for width in value)
    if knob.choices:
        return str(value)
    return int(value) if knob.whole else float(value)


def _meant(value: Value, knob: Knob) -> Any:
    if knob.name == "hidden":
        return tuple(int(width) for width in str(value).split("-"))
    if knob.choices:
        return float(value) if str(value)[0].isdigit() else value
    return int(value) if knob.whole else float(value)
