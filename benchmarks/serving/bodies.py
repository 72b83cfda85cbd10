"""Requests: what each server is sent for each endpoint, as files of lines that `wrk` reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.made_projects import junit, project
from benchmarks.serving.material import Material, newest_builds, recorded_builds
from benchmarks.serving.peer_models import PeerModels, short
from benchmarks.serving.plan import RESULTS, SELECTIONS, Endpoint
from benchmarks.serving.wrk import Load
from devmind.ci import QueuedBuild

VARIED = 64
"""Builds that are asked about."""
TOPICS = 16
"""Branches that each is asked about on: more questions in all than our service keeps answers of, so
that every answer is made."""
AGAIN = 8
"""Questions that are asked again and again."""
VARIED_LARGE = 4
JSON, XML = "application/json", "application/xml"
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What one endpoint of a server is sent.

    Attributes:
        load: For the load generator.
        body: The first body, for a look at the answer.
        path: The first path.
    """

    load: Load
    body: str
    path: str


def own_requests(material: Material, folder: Path) -> dict[Endpoint, Requests]:
    """Write what our service is sent; what is left out comes from its history."""
    company = newest_builds(material, material.company, VARIED)
    asked = [question for build in company for question in _on_topics(_question(build))]
    root = "/api/v1"
    plain = [{**question, "reasons": False} for question in asked]  # peers give none
    duration, failure = f"{root}/build-optimizer/predict", f"{root}/failure-predictor/predict"
    sent: dict[Endpoint, tuple[str, list[Any]]] = {
        Endpoint.DURATION: (duration, plain),
        Endpoint.FAILURE: (failure, plain),
        Endpoint.DURATION_WHY: (duration, asked),
        Endpoint.FAILURE_WHY: (failure, asked),
        Endpoint.DURATION_AGAIN: (duration, asked[:AGAIN]),
        Endpoint.ASSESS: (f"{root}/assess", plain),
    }
    for endpoint, tests in SELECTIONS.items():
        builds = newest_builds(material, project(tests), VARIED)
        changes = [change for build in builds for change in _on_topics(_change(build))]
        sent[endpoint] = (f"{root}/test-intelligence/select", changes)
    write = _writer(folder / "own")
    found = {
        endpoint: write(endpoint, JSON, [json.dumps(b) for b in bodies], [path])
        for endpoint, (path, bodies) in sent.items()
    }
    paths = [f"{root}/builds/{b.build_id}/tests?name={{n}}" for b in recorded_builds()]
    reports = [junit(RESULTS, seed=seed) for seed in range(VARIED_LARGE)]
    return found | {Endpoint.RECORD: write(Endpoint.RECORD, XML, reports, paths)}


def fastapi_requests(models: PeerModels, folder: Path) -> dict[Endpoint, Requests]:
    """Write what plain FastAPI is sent: features."""
    write = _writer(folder / "fastapi")
    duration, failure = models.named("duration"), models.named("failure")
    rows = {count: [_listed(r) for r in some] for count, some in models.tests.items()}
    small = [_listed(r) for r in models.company_tests]
    sent: dict[Endpoint, tuple[str, Sequence[Any]]] = {
        Endpoint.DURATION: ("/duration", duration),
        Endpoint.FAILURE: ("/failure", failure),
        Endpoint.ASSESS: (
            "/assess",
            [
                {"duration": d, "failure": f, "tests": {"rows": small[n % len(small)]}}
                for n, (d, f) in enumerate(zip(duration, failure, strict=True))
            ],
        ),
        **{
            endpoint: ("/select", [{"rows": some} for some in rows[tests]])
            for endpoint, tests in SELECTIONS.items()
        },
    }
    return _written(write, sent)


def bento_requests(models: PeerModels, folder: Path) -> dict[Endpoint, Requests]:
    """Write what BentoML is sent: the same fields, wrapped."""
    sent = {
        Endpoint.DURATION: ("/duration", [{"row": one} for one in models.named("duration")]),
        Endpoint.FAILURE: ("/failure", [{"row": one} for one in models.named("failure")]),
    }
    return _written(_writer(folder / "bentoml"), sent)


def mlflow_requests(models: PeerModels, folder: Path, endpoint: Endpoint) -> Requests:
    """Write what MLflow's scoring server is sent for its one model: whole rows."""
    rows = models.duration if endpoint is Endpoint.DURATION else models.failure
    bodies = [{"inputs": [_nan_listed(row)]} for row in rows]
    return _written(_writer(folder / "mlflow"), {endpoint: ("/invocations", bodies)})[endpoint]


def mlserver_requests(models: PeerModels, folder: Path) -> dict[Endpoint, Requests]:
    """Write what MLServer is sent: whole rows in the V2 form, unknown values as zero.

    Its JSON has no word for an unknown number; to the booster one number costs as much as none.
    """
    bodies = [
        {
            "inputs": [
                {
                    "name": "row",
                    "shape": [1, len(row)],
                    "datatype": "FP32",
                    "data": [short(v) for v in np.nan_to_num(row)],
                }
            ]
        }
        for row in models.duration
    ]
    sent = {Endpoint.DURATION: ("/v2/models/duration/infer", bodies)}
    return _written(_writer(folder / "mlserver"), sent)


Write = Callable[[Endpoint, str, Sequence[str], Sequence[str]], Requests]


def _writer(folder: Path) -> Write:
    folder.mkdir(parents=True, exist_ok=True)

    def write(
        endpoint: Endpoint, kind: str, bodies: Sequence[str], paths: Sequence[str]
    ) -> Requests:
        files = folder / f"{endpoint}.bodies", folder / f"{endpoint}.paths"
        for file, lines in zip(files, (bodies, paths), strict=True):
            file.write_text("".join(f"{line}\n" for line in lines))
        load = Load(content_type=kind, bodies=files[0], paths=files[1])
        return Requests(load=load, body=bodies[0], path=paths[0])

    return write


def _written(
    write: Write, sent: Mapping[Endpoint, tuple[str, Sequence[Any]]]
) -> dict[Endpoint, Requests]:
    return {
        endpoint: write(endpoint, JSON, [json.dumps(b) for b in bodies], [path])
        for endpoint, (path, bodies) in sent.items()
    }


def _on_topics(question: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**question, "branch": f"topic/{n}"} for n in range(TOPICS)]


def _question(build: QueuedBuild) -> dict[str, Any]:
    return {**_change(build), "pipeline_id": build.pipeline}


def _change(build: QueuedBuild) -> dict[str, Any]:
    change = build.change
    return {
        "project_name": build.project,
        "commit_hash": change.commit,
        "author": change.author,
        "branch": change.branch,
        "changed_files": [
            {"path": f.path, "lines_added": f.lines_added, "lines_deleted": f.lines_deleted}
            for f in change.files
        ],
    }


def _listed(rows: Floats) -> list[list[float | None]]:
    return [[None if np.isnan(v) else short(v) for v in row] for row in rows]


def _nan_listed(row: Floats) -> list[float]:
    """JSON of Python's own kind writes NaN for what is unknown, which MLflow reads."""
    return [short(v) for v in row]
