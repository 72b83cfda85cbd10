"""Makes the Serve configuration of Kubernetes from `serve_config.yaml`, and Serve's settings.

`python -m scripts.serve_config` writes it; `--check` only says whether it is up to date. The
differences between the places are `DIFFERENCES` and nothing else. The settings are those of
`devmind.local.serve_mode`, for the environment of Ray's containers.
"""

from __future__ import annotations

import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from devmind.local.serve_mode import FAST, LEAN

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "serve_config.yaml"
_NOTE = "# Made from serve_config.yaml by `python -m scripts.serve_config`; change it there.\n"
_SETTINGS_NOTE = (
    "# From devmind/local/serve_mode.py by `python -m scripts.serve_config`: change it there.\n"
    "# The way back to Serve's defaults: leave this file out of kustomization.yaml.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a place differs from a laptop.

    Attributes:
        host: Address that the proxies listen on; a pod's neighbours must reach it.
        min_replicas: Of every deployment, at least.
        max_replicas: Of every deployment, `None` for as many as on a laptop.
        a_node: At most so many replicas of a deployment on one node, `None` for any number.
    """

    host: str = "0.0.0.0"  # nosec B104  # noqa: S104 - in a pod, behind keys and policies
    min_replicas: int = 1
    max_replicas: int | None = None
    a_node: int | None = None


DIFFERENCES = {
    "kuberay/rayservice/serve-config.yaml": Difference(min_replicas=2, a_node=1),
    "k8s/local/serve-config.yaml": Difference(max_replicas=1),
}


SETTINGS = "k8s/base/serve.env"
IMAGE_ROOT = "/app"
"""Where the image has the checkout."""


def environment() -> str:
    """Return the file of Serve's settings, one `NAME=VALUE` a line."""
    named = {**FAST, "PYTHONPATH": f"{IMAGE_ROOT}/{LEAN}"}
    return _SETTINGS_NOTE + "".join(f"{name}={value}\n" for name, value in named.items())


def adapted(config: dict[str, Any], difference: Difference) -> dict[str, Any]:
    """Return *config* with *difference*, leaving *config* as it is.

    Args:
        config: What `serve_config.yaml` says.
        difference: How the place differs.
    """
    changed = deepcopy(config)
    changed["http_options"]["host"] = difference.host
    for application in changed["applications"]:
        for deployment in application["deployments"]:
            scaling = deployment["autoscaling_config"]
            scaling["min_replicas"] = max(scaling["min_replicas"], difference.min_replicas)
            if difference.max_replicas is not None:
                scaling["max_replicas"] = difference.max_replicas
            if difference.a_node is not None:
                deployment["max_replicas_per_node"] = difference.a_node
    return changed


def patch(config: dict[str, Any]) -> str:
    """Return the kustomize patch that puts *config* into the RayService, as YAML text."""
    text = yaml.dump(config, Dumper=_Plain, sort_keys=False, width=100)
    indented = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    return (
        f"{_NOTE}apiVersion: ray.io/v1\nkind: RayService\nmetadata:\n  name: devmind\n"
        f"spec:\n  serveConfigV2: |\n{indented}"
    )


class _Plain(yaml.SafeDumper):
    """Writes no anchors: who reads one deployment need not look for another."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base's signature
        return True


def main() -> None:
    """Write the patches, or compare them with what is there."""
    config = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    wanted = {ROOT / path: patch(adapted(config, how)) for path, how in DIFFERENCES.items()}
    wanted[ROOT / SETTINGS] = environment()
    stale = [path for path, text in wanted.items() if not _holds(path, text)]
    if "--check" in sys.argv:
        sys.exit("\n".join(f"{path} is out of date" for path in stale) or None)
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    main()
