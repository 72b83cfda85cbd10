"""What no recipe can learn from: numbers that are none."""

from __future__ import annotations

import numpy as np

from devmind.errors import InvalidInput
from training.examples import Examples

_ADVICE = "Features are numbers or unknown (NaN); replay the history with this code."
_OUTCOMES = "What came of a build is always known; replay the history with this code."


def refuse_impossible(examples: Examples) -> None:
    """Refuse infinite features, and outcomes that are not finite numbers.

    NaN in a feature is fine: it is unknown, and every model takes it for that.

    Raises:
        InvalidInput: With the feature or the column, a value and where it is.
    """
    infinite = np.isinf(examples.rows)
    if infinite.any():
        row, column = (int(places[0]) for places in np.nonzero(infinite))
        value = examples.rows[row, column]
        raise InvalidInput(_place(examples, examples.names[column], row), float(value), _ADVICE)
    for name, values in (
        ("duration_s", examples.duration_s),
        ("queued_at", examples.queued_at),
    ):
        wrong = ~np.isfinite(values)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InvalidInput(_place(examples, name, row), float(values[row]), _OUTCOMES)


def _place(examples: Examples, name: str, row: int) -> str:
    return f"{name} of {examples.project[row]!s}, sequence {examples.sequence[row]}"
