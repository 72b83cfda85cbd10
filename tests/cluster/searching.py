"""A search in a process of its own, to be killed: `python -m tests.cluster.searching FOLDER N`."""

import sys
from pathlib import Path

from rich.console import Console

from models.names import TEST_INTELLIGENCE
from models.tracking_address import TrackingAddress
from tests.cluster.local_ray import local_ray
from tests.training.searches import HISTORIES, setting
from training.config import Workers
from training.search import Watch, search


def main(home, trials):
    with local_ray():
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


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
