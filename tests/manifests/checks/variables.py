"""Names and values of environment variables: somebody reads them, and takes what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import mlflow.environment_variables
import ray
from mlflow import cli
from pydantic import ValidationError

from devmind import settings
from tests.conftest import ROOT
from tests.manifests.checks import told
from tests.manifests.checks.objects import Finding, Objects, name, of_kind

_STANDARD = re.compile(r"HOME|PYTHON[A-Z]+|MALLOC_[A-Z_]+|GIT_[A-Z_]+|MPLCONFIGDIR")
"""Python's, the C library's, git's and matplotlib's; a shell and every library know HOME."""
_IMAGES = {
    "postgres": {
        *("PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE"),
        *("POSTGRES_PASSWORD", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_INITDB_ARGS"),
    },
    "redis": {"REDISCLI_AUTH"},
    "cloudflared": {"TUNNEL_TOKEN"},
    "jaeger": set[str](),
}
"""What the programs of other images read."""
_QUOTED = re.compile(r"[\"']([A-Z][A-Z0-9_]{3,})[\"']")
_RAY = re.compile(r"\bRAY_\w+")


def check(objects: Objects) -> Iterator[Finding]:
    """Yield variables that nobody reads, and values that the service refuses."""
    for each in told.containers(objects):
        mounted = [volume for volume in each.volumes.values() if "configMap" in volume]
        scripts = [told.files(volume, objects) for volume in mounted]
        text = "\n".join(line for held in scripts for line in (held or {}).values())
        for variable in each.values if None not in scripts else ():
            own = re.search(rf"\${{?{variable}\b", text)
            if not own and not known(variable, each.image):
                yield Finding("variables.unknown", each.where, variable)
    for config in of_kind(objects, "ConfigMap"):
        data = config.get("data") or {}
        if config["metadata"]["name"].startswith(("devmind-config", "devmind-service-config")):
            unknown = [key for key in data if not known(key, told.OURS)]
            for what in unknown:
                yield Finding("variables.unknown", name(config), what)
            for what in refused(data):
                yield Finding("variables.refused", name(config), what)


def known(variable: str, image: str) -> bool:
    """Whether something in an image reads a variable."""
    if image in _IMAGES:
        return variable in _IMAGES[image]
    if variable.startswith("RAY_"):
        return _of_ray(variable)
    return bool(_STANDARD.fullmatch(variable)) or variable in _of_python()


@cache
def _of_python() -> frozenset[str]:
    """Return what our code reads, and MLflow's."""
    classes = (settings.ClientSettings, settings.ServerSettings)
    found = {variable for each in classes for variable in _fields(each).values()}
    for folder in ("deployments", "training"):
        for path in (ROOT / folder).rglob("*.py"):
            found |= set(_QUOTED.findall(path.read_text(encoding="utf-8")))
    found |= {key for key in dir(mlflow.environment_variables) if key.startswith("MLFLOW_")}
    return frozenset(found | {str(each.envvar) for each in cli.server.params if each.envvar})


def _fields(model: type[settings.BaseSettings]) -> Mapping[str, str]:
    return {
        key: str(each.validation_alias or f"DEVMIND_{key.upper()}")
        for key, each in model.model_fields.items()
    }


def refused(data: Mapping[str, str]) -> list[str]:
    """Return what the service's settings say against the values of a ConfigMap."""
    fields = _fields(settings.ServerSettings).items()
    try:
        settings.ServerSettings(**{key: data[each] for key, each in fields if each in data})
    except ValidationError as error:
        return [f"{each['loc']}: {each['msg']}" for each in error.errors()]
    return []


@cache
def _of_ray(variable: str) -> bool:
    """Whether the installed Ray reads a variable: in Python, or as a flag of its C++ programs."""
    if variable in _ray_names():
        return True
    strings = {variable, variable.removeprefix("RAY_")}
    return any(b"\0" + each.encode() + b"\0" in _raylet() for each in strings)


@cache
def _ray_names() -> frozenset[str]:
    folder = Path(ray.__file__).parent
    parts = ("_private", "serve", "dashboard", "autoscaler", "util")
    files = [path for part in parts for path in (folder / part).rglob("*.py")]
    return frozenset(
        found for path in files for found in _RAY.findall(path.read_text(encoding="utf-8"))
    )


@cache
def _raylet() -> bytes:
    return (Path(ray.__file__).parent / "core/src/ray/raylet/raylet").read_bytes()
