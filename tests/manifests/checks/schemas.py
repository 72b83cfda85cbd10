"""The API server's own view: is it a known kind, with known fields of the right type?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cel
import jsonschema
import kubernetes_validate as core

from tests.manifests.checks.objects import Finding, Object, Objects, name

KUBERNETES = "1.34"
OURS = Path(__file__).parent.parent / "schemas"
"""Kinds of which the delivered schemas know nothing: the few fields that are used."""


def check(objects: Objects, folder: Path | None) -> Iterator[Finding]:
    """Yield what the API server, or a strict one, would refuse.

    Args:
        objects: What would be applied.
        folder: Of the custom resources' schemas; `None` where they are absent, and nothing is said
            of custom resources.
    """
    for thing in objects:
        api = str(thing.get("apiVersion"))
        group = api.partition("/")[0]
        path = _path(folder, api, str(thing.get("kind")))
        if path is not None:
            yield from _custom(thing, path)
        elif "." in group and not group.endswith(".k8s.io"):
            if folder is not None:
                yield Finding("schema.unknown-kind", name(thing), api)
        else:
            yield from _core(thing)


def _path(folder: Path | None, api: str, kind: str) -> Path | None:
    file = f"{api.replace('/', '_')}_{kind}.json"
    folders = (OURS,) if folder is None else (folder, OURS)
    return next((each / file for each in folders if (each / file).is_file()), None)


def _core(thing: Object) -> Iterator[Finding]:
    trouble = _refused(json.dumps(thing, sort_keys=True))
    if trouble is not None:
        yield Finding(trouble[0], name(thing), trouble[1])


@cache
def _refused(thing: str) -> tuple[str, str] | None:
    """Return the rule and the reason; overlays share most objects, and each takes its time."""
    try:
        core.validate(json.loads(thing), KUBERNETES, strict=True)
    except core.SchemaNotFoundError as error:
        return "schema.unknown-kind", str(error)
    except core.ValidationError as error:
        return "schema.core", str(error).splitlines()[0]
    return None


def _custom(thing: Object, path: Path) -> Iterator[Finding]:
    validator, rules = _schema(path)
    for error in validator.iter_errors(thing):
        yield Finding("schema.custom", name(thing), f"{error.json_path}: {error.message[:200]}")
    for rule in rules:
        for value in _at(thing, [step for step in rule["path"].split(".") if step]):
            if not _holds(rule["rule"], value):
                yield Finding("schema.cel", name(thing), f"{rule['path']}: {rule['message']}")


@cache
def _schema(path: Path) -> tuple[Any, list[Mapping[str, str]]]:
    schema = json.loads(path.read_text(encoding="utf-8"))
    rules = [rule for rule in schema.get("x-cel-rules", []) if "oldSelf" not in rule["rule"]]
    return jsonschema.Draft7Validator(schema), rules


def _holds(rule: str, value: Any) -> bool:
    return bool(_program(rule).execute({"self": value}))


@cache
def _program(rule: str) -> Any:
    return cel.compile(rule)


def _at(value: Any, steps: list[str]) -> Iterator[Any]:
    if value is None:
        return
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    inner = value.get(step.removesuffix("[]")) if isinstance(value, Mapping) else None
    if step.endswith("[]"):
        for each in inner or []:
            yield from _at(each, rest)
    else:
        yield from _at(inner, rest)
