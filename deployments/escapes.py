"""Failing tests that a selection had left out, named in the log for whoever asks which."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import structlog
from numpy.typing import NDArray

from history.linking import Told
from history.predicted import Prediction
from models.watch import SelectionSaid, decode

log = structlog.get_logger(__name__)

NAMED = 20
"""So many tests of a build are named."""
LONGEST_NAME = 150
"""Characters of a name."""
Names = Callable[[NDArray[np.int32]], list[str]]


def tell_escapes(prediction: Prediction, told: Told, names: Names) -> None:
    """Log which failing tests of a build its selection had left out.

    Args:
        prediction: What was said of the build.
        told: How it ended.
        names: Names tests by their numbers.
    """
    said = decode(prediction.model, prediction.body)
    if not isinstance(said, SelectionSaid):
        return
    escaped = told.failing[np.isin(told.failing, said.skipped)]
    log.warning(
        "tests escaped",
        project=prediction.project,
        build=told.build_id,
        commit=told.commit,
        model_version=prediction.version,
        escaped=len(escaped),
        failing=len(told.failing),
        tests=[name[:LONGEST_NAME] for name in names(escaped[:NAMED])],
    )
