"""Plain FastAPI with the models in its process, each in its library's own predictor.

Bodies hold features: twenty named fields of a build, or the whole row of each test. Where they
would come from is left out, and so are calibration, reasons and subsets.
"""

# No postponed annotations: FastAPI reads them.

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xgboost
from fastapi import FastAPI
from pydantic import BaseModel, create_model

from benchmarks.serving.peers.files import BOOSTER, FOLDER, FOREST, NETWORK, arrays_of, read_fields
from benchmarks.serving.peers.forest import sklearn_forest
from benchmarks.serving.peers.network import FailureNetwork

torch.set_num_threads(1)
folder = Path(os.environ[FOLDER])
fields = read_fields(folder)
booster = xgboost.Booster(model_file=str(folder / BOOSTER))
booster.set_param({"nthread": 1})
network = FailureNetwork(arrays_of(folder / NETWORK))
_trees = arrays_of(folder / FOREST)
forest = sklearn_forest(_trees, features=int(_trees.pop("features")[0]))
app = FastAPI()


def _body(model: str) -> Any:
    optional: dict[str, Any] = dict.fromkeys(fields[model].places, (float | None, None))
    return create_model(f"{model.title()}Body", **optional)


DurationBody, FailureBody = _body("duration"), _body("failure")


class TestsBody(BaseModel):
    """The features of each test."""

    rows: list[list[float | None]]


class AssessBody(BaseModel):
    """All three."""

    duration: DurationBody  # type: ignore[valid-type]
    failure: FailureBody  # type: ignore[valid-type]
    tests: TestsBody


def _duration(body: BaseModel) -> dict[str, float]:
    low, *_, high = booster.inplace_predict(fields["duration"].row(body.__dict__))[0]
    return {"low": float(low), "high": float(high)}


def _failure(body: BaseModel) -> dict[str, float]:
    row = torch.from_numpy(fields["failure"].row(body.__dict__))
    with torch.inference_mode():
        return {"probability": float(torch.sigmoid(network(row))[0, 0])}


def _tests(body: TestsBody) -> dict[str, list[float]]:
    rows = np.array(body.rows, dtype=np.float32)
    return {"probability": forest.predict_proba(rows)[:, 1].tolist()}


@app.post("/duration")
async def duration(body: DurationBody) -> dict[str, float]:  # type: ignore[valid-type]
    """How long?"""
    return _duration(body)


@app.post("/failure")
async def failure(body: FailureBody) -> dict[str, float]:  # type: ignore[valid-type]
    """Will it fail?"""
    return _failure(body)


@app.post("/select")
async def select(body: TestsBody) -> dict[str, list[float]]:
    """Which tests fail?"""
    return _tests(body)


@app.post("/assess")
async def assess(body: AssessBody) -> dict[str, dict[str, Any]]:
    """All three."""
    return {
        "duration": _duration(body.duration),
        "failure": _failure(body.failure),
        "tests": _tests(body.tests),
    }


@app.get("/health")
async def health() -> dict[str, str]:
    """It runs."""
    return {"status": "ok"}
