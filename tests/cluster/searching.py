"""A search in a process of its own, to be killed: `python -m tests.cluster.searching FOLDER N`."""

import os
import sys
import tempfile
from pathlib import Path

import ray
from rich.console import Console

from models.names import TEST_INTELLIGENCE
from models.tracking_address import TrackingAddress
from tests.training.searches import HISTORIES, setting
from training.config import Workers
from training.search import Watch, search


def main(home, trials):
    # A Ray for this process alone listens on loopback and needs no tokens.
    os.environ["RAY_AUTH_MODE"] = "disabled"
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder:
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=200 * 2**20,
            log_to_driver=False,
            _temp_dir=folder,
        )
        search(
            TEST_INTELLIGENCE,
            HISTORIES[TEST_INTELLIGENCE](),
            setting(home),
            workers=Workers(count=2, cpus_each=0.5),
            seed=0,
            minutes=None,
            trials=trials,
            storage=home / "search" / "night",
            tracking=TrackingAddress(f"sqlite:///{home / 'mlflow.db'}", home / "artifacts"),
            watch=Watch(console=Console(), tell=lambda _said: None),
            concurrent=1,
        )
        ray.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
