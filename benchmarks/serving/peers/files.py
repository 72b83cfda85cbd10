"""The models' files as peers read them: no bundle, no manifest, what each library takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BOOSTER, NETWORK, FOREST, FIELDS = "booster.ubj", "network.npz", "forest.npz", "fields.json"
FOLDER = "BENCH_MODELS"
"""Environment variable that tells a peer where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The named fields of a body, and the columns of a row that they fill.

    Attributes:
        places: Field -> its column; the other columns are unknown.
        width: Columns of a row.
    """

    places: Mapping[str, int]
    width: int

    def row(self, values: Mapping[str, float | None]) -> NDArray[np.float32]:
        """Return the row (1, width) of a body, NaN where nothing is known."""
        row = np.full((1, self.width), np.nan, dtype=np.float32)
        for name, value in values.items():
            if value is not None:
                row[0, self.places[name]] = value
        return row


def read_fields(folder: Path) -> dict[str, Fields]:
    """Return the fields of each model: `duration`, `failure`."""
    found: dict[str, Any] = json.loads((folder / FIELDS).read_text())
    return {model: Fields(places=one["places"], width=one["width"]) for model, one in found.items()}


def arrays_of(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file."""
    with np.load(path, allow_pickle=False) as found:
        return {name: found[name] for name in found.files}
