"""Write every dashboard: `python -m scripts.dashboards [FOLDER]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from ray.dashboard.modules.metrics import grafana_dashboard_factory as rays

from scripts.dashboards.history import HISTORY
from scripts.dashboards.predictions import PREDICTIONS
from scripts.dashboards.retraining import RETRAINING

FOLDER = Path(__file__).resolve().parents[2] / "k8s" / "monitoring" / "dashboards"
OURS = (PREDICTIONS, HISTORY, RETRAINING)
RAYS = {
    "ray-default": rays.generate_default_grafana_dashboard,
    "ray-serve": rays.generate_serve_grafana_dashboard,
    "ray-serve-deployment": rays.generate_serve_deployment_grafana_dashboard,
    "ray-train": rays.generate_train_grafana_dashboard,
    "ray-data": rays.generate_data_grafana_dashboard,
}


def generated() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file: ours to be read, Ray's as small as can be."""
    for dashboard in OURS:
        yield f"{dashboard.uid}.json", json.dumps(dashboard.to_json(), indent=1) + "\n"
    for name, generate in RAYS.items():
        text, _ = generate()
        yield f"{name}.json", json.dumps(json.loads(text), separators=(",", ":")) + "\n"


def write(folder: Path) -> None:
    """Write the files, and nothing else, into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    files = dict(generated())
    for name, text in files.items():
        folder.joinpath(name).write_text(text)
    for path in folder.glob("*.json"):
        if path.name not in files:
            path.unlink()


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
