"""Secrets that are written out anywhere in an object, and not only where `policy` looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.manifests.checks import policy
from tests.manifests.checks.objects import Finding, Objects, name, ray_clusters

_REDIS = re.compile(r"^\s*(?:requirepass|masterauth|user)\s+\S", re.MULTILINE)
_VALUE = re.compile(r"password$|token$|secret$|apikey$", re.IGNORECASE)
_OPTION = re.compile(r"^--[\w-]*(?:password|token|secret)[\w-]*=[^$/]", re.IGNORECASE)


def check(objects: Objects) -> Iterator[Finding]:
    """Yield every text that is a secret, and passwords that are not taken from one."""
    for thing in objects:
        for path, text in _texts(thing, ""):
            if policy.looks_secret(text) or _OPTION.match(text):
                yield Finding("literals.text", name(thing), path)
            if path.endswith(".conf") and _REDIS.search(text):
                yield Finding("literals.redis", name(thing), path)
            if ".valuesObject." in path and _VALUE.search(path) and text:
                yield Finding("literals.helm", name(thing), path)
    for where, _, cluster in ray_clusters(objects):
        for each in (cluster.get("autoscalerOptions") or {}).get("env", []):
            if policy.named_secret(each["name"], str(each.get("value") or "/")):
                yield Finding("literals.autoscaler", where, each["name"])
        kept = cluster.get("gcsFaultToleranceOptions")
        password = (kept or {}).get("redisPassword") or {}
        if kept and not (password.get("valueFrom") or {}).get("secretKeyRef"):
            yield Finding("literals.redis", where, "redisPassword comes from a Secret")


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield every text in an object, with where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _texts(each, f"{path}.{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, f"{path}.{number}")
