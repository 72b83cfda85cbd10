"""Ways to start our own service: an environment, arguments and a patch of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from benchmarks.serving.plan import Endpoint

APPLICATION = "devmind"
LIBRARIES = "benchmarks.serving.library_app:build_app"
SHAPE = "benchmarks.serving.shape:build_app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way.

    Attributes:
        name: As servers are called here.
        about: What it is, in a few words.
        environment: Variables that are set besides those of `devmind up`.
        arguments: Of the application; those that it does not know are left out.
        patch: Laid over `serve_config.yaml`, deployments by their names.
        offers: The endpoints that it has.
        answers: Whether what it says is an answer.
    """

    name: str
    about: str
    environment: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    patch: Mapping[str, Any] = field(default_factory=dict)
    offers: tuple[Endpoint, ...] = tuple(Endpoint)
    answers: bool = True


DEPLOYMENTS = ("ingress", "build-optimizer", "failure-predictor", "test-intelligence")
ONE_EACH = [{"name": name, "autoscaling_config": {"max_replicas": 1}} for name in DEPLOYMENTS]
"""No more replicas: one that starts takes more CPU than all requests of a point."""
VARIANTS = (
    Variant(
        name="ours",
        about="our service as shipped, one replica of each deployment",
        patch={"applications": [{"name": APPLICATION, "deployments": ONE_EACH}]},
    ),
    Variant(
        name="defaults",
        about="our service on Serve's defaults, with the libraries' predictors; as many replicas",
        environment={
            "DEVMIND_SERVE_DEFAULTS": "1",
            "RAY_SERVE_ENABLE_HA_PROXY": "0",
            "RAY_SERVE_THROUGHPUT_OPTIMIZED": "0",
        },
        arguments={"coalesce": False},
        patch={
            "applications": [
                {"name": APPLICATION, "import_path": LIBRARIES, "deployments": ONE_EACH}
            ]
        },
    ),
    Variant(
        name="shape",
        about="no service: Serve in our shape and settings, an ingress that shares calls to a "
        "deployment, which returns what it is sent",
        patch={
            "applications": [{"name": APPLICATION, "import_path": SHAPE, "deployments": ONE_EACH}]
        },
        offers=(Endpoint.DURATION,),
        answers=False,
    ),
)
"""`ours` is what is shipped, `defaults` what it is compared with, `shape` the least there is."""


def configured(text: str, variant: Variant, *, port: int) -> str:
    """Return the text of a Serve configuration for *variant* at *port* of this machine.

    Args:
        text: `serve_config.yaml`.
        variant: What is laid over it.
        port: Where it listens.
    """
    config = overlaid(yaml.safe_load(text), variant.patch)
    config["http_options"] |= {"host": "127.0.0.1", "port": port}
    for application in config["applications"]:
        if application["name"] == APPLICATION:
            application["args"] = {**application.get("args", {}), **variant.arguments}
    return yaml.safe_dump(config, sort_keys=False)


def overlaid(base: Any, patch: Any) -> Any:
    """Return *base* with *patch* laid over it: mappings by key, lists of named ones by name.

    Example:
        >>> overlaid({"a": 1, "b": [{"name": "x", "n": 1}]}, {"b": [{"name": "x", "n": 2}]})
        {'a': 1, 'b': [{'name': 'x', 'n': 2}]}
    """
    if isinstance(base, Mapping) and isinstance(patch, Mapping):
        both = {
            key: overlaid(base[key], patch[key]) if key in base else patch[key] for key in patch
        }
        return {**base, **both}
    if _named(base) and _named(patch):
        over = {item["name"]: item for item in patch}
        kept = [overlaid(item, over.pop(item["name"], {})) for item in base]
        return [*kept, *over.values()]
    return patch


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, Mapping) and "name" in v for v in value)
