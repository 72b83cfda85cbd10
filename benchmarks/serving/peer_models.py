"""The champions' models in files that peers read, and rows of features to send them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_tensors

from benchmarks.serving.made_projects import project
from benchmarks.serving.material import Material, champions, settings_of
from benchmarks.serving.peers.files import BOOSTER, FIELDS, FOREST, NETWORK, Fields
from benchmarks.serving.plan import SELECTIONS
from features.build_state import BuildState
from features.replay import replay_builds
from features.verdict_state import TestState
from history.events import BuildQueued, StoredEvent
from history.open import open_history
from models.boosters import BOOSTER as BUNDLED_BOOSTER
from models.duration_inputs import DurationInputs
from models.failure_predictor import NETWORK as BUNDLED_NETWORK
from models.forest import from_bytes
from models.intelligence import FOREST as BUNDLED_FOREST
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE

NAMED = 20
"""Fields of a body that names its features."""
_ROWS, _TEST_ROWS = 64, 4
_MEMBER = re.compile(r"^member(\d+)\.")
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerModels:
    """Files of the models, and rows.

    Attributes:
        folder: Where the files are.
        fields: `duration` and `failure`: the fields of a body.
        duration: What boosters see of builds (n, k).
        failure: Features of the same builds (n, m).
        company_tests: Features of the tests of some of these builds, each (t, c).
        tests: Number of tests -> features of them for some builds, each (that number, c).
    """

    folder: Path
    fields: dict[str, Fields]
    duration: Floats
    failure: Floats
    company_tests: list[Floats]
    tests: dict[int, list[Floats]]

    def named(self, model: str) -> list[dict[str, float | None]]:
        """Return the bodies of twenty named fields."""
        rows = self.duration if model == "duration" else self.failure
        places = self.fields[model].places
        return [
            {n: None if np.isnan(row[i]) else short(row[i]) for n, i in places.items()}
            for row in rows
        ]


def peer_models(material: Material, folder: Path) -> PeerModels:
    """Write the champions' models for peers and read rows for them from the history."""
    folder.mkdir(parents=True, exist_ok=True)
    bundles = champions(material)
    optimizer = bundles[BUILD_OPTIMIZER]
    (folder / BOOSTER).write_bytes(optimizer.file(BUNDLED_BOOSTER))
    network = _network(load_tensors(bundles[FAILURE_PREDICTOR].file(BUNDLED_NETWORK)))
    np.savez(folder / NETWORK, allow_pickle=False, **network)
    forest: dict[str, Any] = dict(from_bytes(bundles[TEST_INTELLIGENCE].file(BUNDLED_FOREST)))
    width = np.array([len(TestState.names)])
    np.savez(folder / FOREST, allow_pickle=False, **forest, features=width)
    inputs = DurationInputs.from_json(
        optimizer.manifest.features, optimizer.manifest.config.get("inputs")
    )
    events = _events(material, material.company)
    failure = replay_builds(events).rows[-_ROWS:]
    duration = inputs.encode(failure)
    fields = {
        "duration": _fields(duration, inputs.seen, np.arange(len(inputs.seen))),
        "failure": _fields(failure, BuildState.names, network["inputs.columns"]),
    }
    written = {m: {"places": dict(one.places), "width": one.width} for m, one in fields.items()}
    (folder / FIELDS).write_text(json.dumps(written))
    return PeerModels(
        folder=folder,
        fields=fields,
        duration=duration,
        failure=failure,
        company_tests=_test_rows(events),
        tests={n: _test_rows(_events(material, project(n))) for n in SELECTIONS.values()},
    )


def short(value: np.float32) -> float:
    """Return a number as a client would write it: no more digits than tell it apart."""
    return float(str(value))


def _network(tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Name the parameters of `memberN` `N/PARAMETER`; what is no member's keeps its name."""
    return {_MEMBER.sub(r"\1/", name): tensor for name, tensor in tensors.items()}


def _fields(rows: Floats, names: tuple[str, ...], among: NDArray[Any]) -> Fields:
    """Choose the columns that are known most often, in their order."""
    known = np.isfinite(rows[:, among]).mean(axis=0)
    chosen = np.sort(among[np.argsort(-known, kind="stable")[:NAMED]])
    places = {_identifier(names[int(i)]): int(i) for i in chosen}
    return Fields(places=places, width=rows.shape[1])


def _identifier(name: str) -> str:
    return "f_" + "".join(c if c.isalnum() else "_" for c in name)


def _events(material: Material, name: str) -> list[StoredEvent]:
    with open_history(settings_of(material.home).database) as store:
        return list(store.read(name))


def _test_rows(events: list[StoredEvent]) -> list[Floats]:
    state = TestState()
    for event in events:
        state.update(event)
    builds = [event.build for event in events if isinstance(event, BuildQueued)][-_TEST_ROWS:]
    return [state.read(build, state.tests.active()) for build in builds]
