"""Secrets that an operator fetches: each from the place of its own name."""

from __future__ import annotations

from collections.abc import Iterator

from tests.manifests.checks.objects import NAMESPACE, Finding, Objects, name, of_kind

_STORE = {"kind": "ClusterSecretStore", "name": "devmind"}


def check(objects: Objects) -> Iterator[Finding]:
    """Yield values that are fetched from elsewhere, or under another name."""
    for thing in of_kind(objects, "ExternalSecret"):
        spec, own = thing["spec"], thing["metadata"]["name"]
        if spec["secretStoreRef"] != _STORE:
            yield Finding("fetched.store", name(thing), str(spec["secretStoreRef"]))
        if spec["target"]["name"] != own:
            yield Finding("fetched.target", name(thing), spec["target"]["name"])
        for each in spec["data"]:
            remote = each["remoteRef"]
            if remote["key"] != f"{NAMESPACE}/{own}" or remote["property"] != each["secretKey"]:
                yield Finding("fetched.key", name(thing), f"{remote['key']} {remote['property']}")
