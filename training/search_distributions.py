"""Knobs as Optuna knows them."""

from __future__ import annotations

import optuna

from training.search_spaces import Knob


def distribution(knob: Knob) -> optuna.distributions.BaseDistribution:
    """Return *knob* as a distribution."""
    if knob.choices:
        return optuna.distributions.CategoricalDistribution(knob.choices)
    if knob.whole:
        return optuna.distributions.IntDistribution(int(knob.low), int(knob.high), log=knob.log)
    return optuna.distributions.FloatDistribution(knob.low, knob.high, log=knob.log)
