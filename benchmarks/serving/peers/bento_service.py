"""BentoML's service with the booster and the network; runs in an environment without ours.

The network runs in numpy here, as there is no torch in that environment; it is the cheaper way.
"""

# No postponed annotations: BentoML reads them.

import os
from pathlib import Path

import bentoml
import xgboost

from benchmarks.serving.peers.files import BOOSTER, FOLDER, NETWORK, arrays_of, read_fields
from models.network import InputGrid, Network


@bentoml.service(workers=1)
class Models:
    """Both models in one service."""

    def __init__(self) -> None:
        folder = Path(os.environ[FOLDER])
        self.fields = read_fields(folder)
        self.booster = xgboost.Booster(model_file=str(folder / BOOSTER))
        self.booster.set_param({"nthread": 1})
        arrays = arrays_of(folder / NETWORK)
        names = ("columns", "values", "scores")
        self.grid = InputGrid(**{name: arrays.pop(f"inputs.{name}") for name in names})
        count = 1 + max(int(name.split("/")[0]) for name in arrays)
        self.network = Network(
            [
                {n.removeprefix(f"{i}/"): a for n, a in arrays.items() if n.startswith(f"{i}/")}
                for i in range(count)
            ]
        )

    @bentoml.api  # type: ignore[untyped-decorator]
    async def duration(self, row: dict[str, float | None]) -> dict[str, float]:
        """How long?"""
        low, *_, high = self.booster.inplace_predict(self.fields["duration"].row(row))[0]
        return {"low": float(low), "high": float(high)}

    @bentoml.api  # type: ignore[untyped-decorator]
    async def failure(self, row: dict[str, float | None]) -> dict[str, float]:
        """Will it fail?"""
        inputs = self.grid.encode(self.fields["failure"].row(row))
        return {"logit": float(self.network.logits(inputs)[0])}
