"""Lists the images of others that the manifests name, for a matrix of scans.

`python -m scripts.third_party_images` prints them as JSON. It needs nothing but Python, so that a
job can run it in a plain checkout.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("k8s", "kuberay")
OURS = "devmind-ml-service"
OF_CHARTS = {"kuberay-operator": "quay.io/kuberay/operator"}
"""Charts whose values give the tag alone, and the image that is meant."""
_IMAGE = re.compile(r"^[ \t]*(?:- )?image:[ \t]*[\"']?([^\s\"'#]+)", re.MULTILINE)
_TAG = re.compile(r"^ *chart: (\S+)$.*?^ *image:\n *tag: (\S+)$", re.MULTILINE | re.DOTALL)


def third_party(texts: Iterable[str]) -> list[str]:
    """Return the images that manifests name, without ours and those that come as parameters.

    Example:
        >>> third_party(["image: redis:7", "- image: devmind-ml-service:local", "image: $(param)"])
        ['redis:7']
    """
    named: set[str] = set()
    for text in texts:
        named.update(_IMAGE.findall(text))
        named.update(f"{OF_CHARTS[chart]}:{tag}" for chart, tag in _TAG.findall(text))
    return sorted(image for image in named if OURS not in image and "$" not in image)


def manifests(root: Path = ROOT) -> list[Path]:
    """Return the files that may name images."""
    return sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.yaml"))


if __name__ == "__main__":
    found = third_party(path.read_text(encoding="utf-8") for path in manifests())
    print(json.dumps(found))  # noqa: T201 - its purpose
