"""`python -m benchmarks.serving.peers.mlflow_models FOLDER`: save the models as MLflow's own."""

from __future__ import annotations

import sys
from pathlib import Path

import mlflow.pytorch
import mlflow.xgboost
import xgboost

from benchmarks.serving.peers.files import BOOSTER, NETWORK, arrays_of
from benchmarks.serving.peers.network import FailureNetwork


def main(folder: Path) -> None:
    """Save the booster and the network below *folder*, unless they are there."""
    if not (folder / "mlflow-duration").exists():
        booster = xgboost.Booster(model_file=str(folder / BOOSTER))
        mlflow.xgboost.save_model(booster, folder / "mlflow-duration", pip_requirements=[])
    if not (folder / "mlflow-failure").exists():
        network = FailureNetwork(arrays_of(folder / NETWORK))
        mlflow.pytorch.save_model(
            network,
            folder / "mlflow-failure",
            pip_requirements=[],
            serialization_format="pickle",  # its other format cannot hold the encoding in numpy
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
