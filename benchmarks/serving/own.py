"""Our own service, started the way `devmind up` does, and an empty application beside it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from benchmarks.serving.bodies import Requests
from benchmarks.serving.material import ROOT, Material, own_environment
from benchmarks.serving.plan import SELECTIONS, Endpoint
from benchmarks.serving.server import Healthy, Server, ServerFailed, children_in
from benchmarks.serving.variants import Variant, configured
from devmind.local.children import Children
from devmind.local.commands import Commands, tool
from devmind.local.layout import Layout
from devmind.local.ports import HOST, Ports, any_free
from devmind.local.ray_head import RayHead, RaySize, dashboard_url, environment

MIN_CPUS = 4
"""Logical CPUs that `devmind up` gives to Ray at least."""
_COPIED = ("history.db", "mlflow.db")


@contextmanager
def own_service(
    variant: Variant, material: Material, requests: Mapping[Endpoint, Requests], folder: Path
) -> Iterator[Server]:
    """Serve *variant* from a copy of the history, in *folder*; yields it once it is ready.

    Raises:
        ServerFailed: If it does not become ready.
        StepFailed: If Ray does not start or refuses the configuration.
    """
    layout = Layout(root=ROOT, home=folder)
    layout.make()
    _copy(material.home, folder)
    base = {**own_environment(dict(os.environ)), **variant.environment}
    env = environment(layout, base)
    children = Children(run=layout.run, logs=layout.logs)
    head = RayHead(layout, children, env)
    api, dashboard = any_free(2)
    healthy = Healthy(url=f"http://{HOST}:{api}", path="/ready")
    try:
        child, _ = head.start(Ports(api=api, dashboard=dashboard), _size())
        head.await_ready(child)
        _deploy(layout, env, variant, dashboard_url(child), api)
        start_s = healthy.wait(child)
        yield Server(
            name=variant.name,
            url=healthy.url,
            requests=requests,
            children=children,
            start_s=start_s,
        )
    finally:
        children.stop_all()
        shutil.rmtree(layout.ray, ignore_errors=True)


def check(server: Server) -> None:
    """Look at one answer of each selection: it must be about all tests, and choose among them.

    Raises:
        ServerFailed: If it is not.
    """
    for endpoint, tests in SELECTIONS.items():
        found = server.look(endpoint).json()
        if found["total_tests"] != tests or found["run_all"]:
            said = f"{found['total_tests']} tests, run_all: {found['run_all_reason']}"
            raise ServerFailed(f"{endpoint}: no selection among {tests} tests but {said}")
    for endpoint in (Endpoint.DURATION, Endpoint.FAILURE):
        found = server.look(endpoint).json()
        if found["abstained"]:
            raise ServerFailed(f"{endpoint}: it abstains: {found['abstention_reason']}")
    if errors := server.look(Endpoint.ASSESS).json()["errors"]:
        raise ServerFailed(f"{Endpoint.ASSESS}: {errors}")


def empty_start_s(folder: Path) -> float:
    """Return the seconds from a bare `serve run` of an empty application to its first answer.

    Raises:
        ServerFailed: If it does not answer.
    """
    children, (port,) = children_in(folder), any_free(1)
    config = folder / "empty.yaml"
    application = {"name": "empty", "import_path": "benchmarks.serving.empty:app"}
    options = {"host": HOST, "port": port}
    config.write_text(yaml.safe_dump({"http_options": options, "applications": [application]}))
    temporary = folder / "ray"
    temporary.mkdir(exist_ok=True)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    env = {**plain, "RAY_TMPDIR": str(temporary), "RAY_USAGE_STATS_ENABLED": "0"}
    env |= {"RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(ROOT)}
    healthy = Healthy(url=f"http://{HOST}:{port}", path="/", began=time.monotonic())
    try:
        child = children.start("empty", [tool("serve"), "run", str(config)], env=env, cwd=ROOT)
        return healthy.wait(child)
    finally:
        children.stop_all()
        shutil.rmtree(temporary, ignore_errors=True)


def _size() -> RaySize:
    return RaySize(cpus=max(MIN_CPUS, os.cpu_count() or 1))


def _copy(home: Path, into: Path) -> None:
    """Copy the stores; models stay where the registry has them."""
    for name in _COPIED:
        for file in home.glob(f"{name}*"):  # with what SQLite keeps beside it
            shutil.copy(file, into / file.name)


def _deploy(
    layout: Layout, env: Mapping[str, str], variant: Variant, dashboard: str, port: int
) -> None:
    text = (layout.root / "serve_config.yaml").read_text()
    config = layout.run / "serve_config.yaml"
    config.write_text(configured(text, variant, port=port))
    commands = Commands(root=layout.root, logs=layout.logs, env=env)
    commands.run("serve", [tool("serve"), "deploy", str(config), "--address", dashboard])


__all__ = ["ServerFailed", "check", "empty_start_s", "own_service"]
