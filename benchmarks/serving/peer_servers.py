"""Servers of others, each started as its documentation says, with one worker."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving import bodies
from benchmarks.serving.bodies import Requests
from benchmarks.serving.environments import environment_of
from benchmarks.serving.material import ROOT, Says
from benchmarks.serving.peer_models import PeerModels
from benchmarks.serving.peers.files import BOOSTER, FOLDER
from benchmarks.serving.plan import Endpoint
from benchmarks.serving.server import Healthy, Server, children_in
from devmind.local.commands import Commands, python
from devmind.local.ports import HOST, any_free

_PORT = "BENCH_PORT"
"""Environment variable of the port of a peer whose configuration names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """How a peer is started.

    Attributes:
        name: As in tables.
        about: What it is, in a few words.
        command: With `{port}` in it.
        health: Path that answers with success once it is well.
        requests: What it is sent, by endpoint.
        environment: Besides what this process has.
    """

    name: str
    about: str
    command: Sequence[str]
    health: str
    requests: Mapping[Endpoint, Requests]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Makes peers.

    Attributes:
        models: What they serve.
        cache: Where their environments are kept.
        folder: Where their requests and configurations go.
        says: Hears what takes time.
    """

    models: PeerModels
    cache: Path
    folder: Path
    says: Says

    def fastapi(self) -> list[Peer]:
        """Plain FastAPI on uvicorn, the models in its process, without an access log."""
        words = ("uvicorn", "benchmarks.serving.peers.fastapi_app:app", f"--host={HOST}")
        return [
            Peer(
                name="fastapi",
                about="plain FastAPI and uvicorn, the libraries' predictors in process",
                command=[*python(*words), "--port={port}", "--log-level=warning"],
                health="/health",
                requests=bodies.fastapi_requests(self.models, self.folder),
                environment=self._plain(),
            )
        ]

    def mlflow(self) -> list[Peer]:
        """`mlflow models serve`, one server a model, as it serves one model only."""
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        commands = Commands(root=ROOT, logs=logs, env={**os.environ, **self._plain()})
        module = "benchmarks.serving.peers.mlflow_models"
        commands.run("save models for mlflow", python(module, str(self.models.folder)))
        return [self._mlflow(endpoint) for endpoint in (Endpoint.DURATION, Endpoint.FAILURE)]

    def bentoml(self) -> list[Peer]:
        """BentoML, one service with both models, in an environment of its own."""
        programs = environment_of("bentoml", self.cache, self.says)
        service = "benchmarks.serving.peers.bento_service:Models"
        options = (f"--host={HOST}", "--port={port}", f"--working-dir={ROOT}")
        own = {"BENTOML_HOME": str(self.folder / "bento"), "BENTOML_DO_NOT_TRACK": "True"}
        return [
            Peer(
                name="bentoml",
                about="BentoML, one worker",
                command=[str(programs / "bentoml"), "serve", service, *options],
                health="/readyz",
                requests=bodies.bento_requests(self.models, self.folder),
                environment=self._plain(programs) | own,
            )
        ]

    def mlserver(self) -> list[Peer]:
        """MLServer with its own XGBoost runtime; its parallel workers do not run with uvloop."""
        programs = environment_of("mlserver", self.cache, self.says)
        served = self.folder / "mlserver-models"
        served.mkdir(exist_ok=True)
        shutil.copy(self.models.folder / BOOSTER, served / "model.ubj")
        http, grpc, metrics = any_free(3)
        ports = {"http_port": http, "grpc_port": grpc, "metrics_port": metrics, "host": HOST}
        model = {
            "name": "duration",
            "implementation": "mlserver_xgboost.XGBoostModel",
            "parameters": {"uri": "./model.ubj"},
        }
        (served / "settings.json").write_text(json.dumps({**ports, "parallel_workers": 0}))
        (served / "model-settings.json").write_text(json.dumps(model))
        return [
            Peer(
                name="mlserver",
                about="MLServer without parallel workers",
                command=[str(programs / "mlserver"), "start", str(served)],
                health="/v2/models/duration/ready",
                requests=bodies.mlserver_requests(self.models, self.folder),
                environment=self._plain(programs) | {_PORT: str(http)},
            )
        ]

    def _mlflow(self, endpoint: Endpoint) -> Peer:
        model = self.models.folder / f"mlflow-{endpoint}"
        words = ("mlflow", "models", "serve", f"--model-uri={model}", "--env-manager=local")
        return Peer(
            name="mlflow",
            about="`mlflow models serve`, one server a model",
            command=[*python(*words), f"--host={HOST}", "--port={port}"],
            health="/health",
            requests={endpoint: bodies.mlflow_requests(self.models, self.folder, endpoint)},
            environment=self._plain(),
        )

    def _plain(self, programs: Path | None = None) -> dict[str, str]:
        first = programs or Path(sys.executable).parent
        return {
            FOLDER: str(self.models.folder),
            "PATH": os.pathsep.join((str(first), os.environ.get("PATH", os.defpath))),
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }


@contextmanager
def peer_server(peer: Peer, folder: Path) -> Iterator[Server]:
    """Start a peer; yields it once it answers.

    Raises:
        ServerFailed: If it does not.
    """
    port = int(peer.environment.get(_PORT, 0)) or any_free(1)[0]
    children = children_in(folder)
    healthy = Healthy(url=f"http://{HOST}:{port}", path=peer.health)
    env = {**os.environ, **peer.environment}
    try:
        command = [word.replace("{port}", str(port)) for word in peer.command]
        child = children.start(peer.name, command, env=env, cwd=folder)
        start_s = healthy.wait(child)
        yield Server(
            name=peer.name,
            url=healthy.url,
            requests=peer.requests,
            children=children,
            start_s=start_s,
        )
    finally:
        children.stop_all()
