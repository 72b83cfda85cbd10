"""Shards for the actors of `xgboost_ray`: read by Arrow, checked before every start.

Imported where actors are started, and by the actors; nothing else pays for the import.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xgboost_ray

from training.shards import LABEL, WEIGHT, read_shards, rows_of


class ShardMatrix(xgboost_ray.RayDMatrix):  # type: ignore[misc] # the library ships no types
    """Shards, dealt out to actors by rank.

    The library's own way leads over a pandas frame, a copy of it in the object store and another
    one in NumPy; here an actor reads its shards into the one array that XGBoost takes.
    """

    def __init__(self, shards: Sequence[Path]) -> None:
        super().__init__([str(path) for path in shards], label=LABEL, weight=WEIGHT)
        self.shards = tuple(shards)

    def assert_enough_shards_for_actors(self, num_actors: int) -> None:
        """Refuse what cannot be read, at the start and before each restart.

        An actor that cannot read its rows looks like one that died, and would be started again.

        Raises:
            UnreadableSource: If a shard is missing, truncated or not Parquet.
        """
        rows_of(self.shards)
        super().assert_enough_shards_for_actors(num_actors=num_actors)

    def get_data(self, rank: int, num_actors: int | None = None) -> dict[str, Any]:
        """Return the columns of an actor's shards, named as `xgboost.DMatrix` names them.

        Raises:
            UnreadableSource: If a shard is missing, truncated or damaged.
        """
        rows, label, weight = read_shards(self.shards[rank :: num_actors or 1])
        return {**dict.fromkeys(_UNUSED), "data": rows, "label": label, "weight": weight}


_UNUSED = ("feature_weights", "base_margin", "label_lower_bound", "label_upper_bound", "qid")
