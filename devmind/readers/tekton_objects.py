"""What all objects of Tekton have in common: kind, name, labels, times, how they ended."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import ijson

from devmind.ci import BuildStatus
from devmind.errors import UnreadableSource
from devmind.readers.payloads import read_json, stream_list
from devmind.readers.records import Record, as_record

GROUP = "tekton.dev/"
VERSIONS = ("tekton.dev/v1", "tekton.dev/v1beta1")
CANCELED = frozenset(
    "Cancelled PipelineRunCancelled CancelledRunFinally StoppedRunFinally TaskRunCancelled "
    "PipelineRunStopped StepActionCancelled".split()
)
"""Reasons of a failed condition that mean somebody stopped it."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_SNIFFED_EVENTS = 400
_SNIFFED_BYTES = 64 * 1024
_YAML = (".yaml", ".yml")
_ADVICE = "Get it with `kubectl get pipelineruns,taskruns -o json` and import that."


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which object it is; `uid` tells two of the same name apart."""

    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run or a task ended, and when."""

    status: BuildStatus
    started_at: datetime | None
    finished_at: datetime


def looks_like(path: Path) -> bool:
    """Whether *path* is a file of Tekton objects, JSON or YAML; only its beginning is read."""
    if path.suffix.lower() in _YAML:
        return _looks_like_yaml(path)
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            events = islice(ijson.parse(file), _SNIFFED_EVENTS)
            wanted = ("apiVersion", "items.item.apiVersion", "item.apiVersion")
            return any(
                prefix in wanted and str(value).startswith(GROUP) for prefix, _, value in events
            )
    except (ijson.JSONError, ValueError, OSError):
        return False


def _looks_like_yaml(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            beginning = file.read(_SNIFFED_BYTES).decode("utf-8", "replace")
    except OSError:
        return False
    return (
        re.search(r"^[\s-]*apiVersion:\s*[\"']?tekton\.dev/", beginning, re.MULTILINE) is not None
    )


def refuse_yaml(path: Path) -> None:
    """Refuse YAML, which would need a parser that a CI job has no other use for.

    Raises:
        UnreadableSource: If *path* is a YAML file.
    """
    if path.suffix.lower() in _YAML:
        raise UnreadableSource(str(path), "YAML is not read", _ADVICE)


def objects_of(path: Path) -> Iterator[Record]:
    """Yield the objects of a file: the items of a list, or the one that it is.

    Raises:
        UnreadableSource: If it is broken, or neither.
    """
    empty = True
    for record in stream_list(path, "items"):
        empty = False
        yield record
    if empty:
        yield from _alone(path)


def _alone(path: Path) -> Iterator[Record]:
    contents = read_json(path)
    listed = contents if isinstance(contents, list) else [contents]
    for index, one in enumerate(listed):
        where = f"{path}, [{index}]" if isinstance(contents, list) else str(path)
        record = as_record(one, where)
        if record.text("kind").endswith("List") and record.has("items"):
            continue
        if not record.text("apiVersion").startswith(GROUP):
            raise UnreadableSource(where, "neither a list of objects nor one of Tekton", _ADVICE)
        yield record


def why_not_read(record: Record) -> str:
    """Return why an object is left out: another kind, or a version of the past; nothing if not."""
    version, kind = record.text("apiVersion", 100), record.text("kind", 100)
    if not version.startswith(GROUP) or kind not in ("PipelineRun", "TaskRun"):
        return f"a {kind or 'thing without a kind'} is no run"
    return "" if version in VERSIONS else f"{version} is not read"


def values_of(records: list[Record], field: str = "value") -> Mapping[str, str]:
    """Return parameters or results that are strings; lists and objects name no change."""
    found: dict[str, str] = {}
    for record in records:
        try:
            found[record.text("name")] = record.text(field)
        except UnreadableSource:
            continue
    return found


def identity_of(record: Record) -> Identity:
    """Return which run *record* is.

    Raises:
        UnreadableSource: If it has no name.
    """
    metadata = record.record("metadata")
    name = metadata.required("name")
    if not _NAME.fullmatch(name):
        metadata.bad("name", "a name of Kubernetes")
    namespace, uid = metadata.text("namespace"), metadata.text("uid", 100)
    for field, text in (("namespace", namespace), ("uid", uid)):
        if text and not _NAME.fullmatch(text):
            metadata.bad(field, "as Kubernetes writes it")
    uid = uid or f"{namespace}/{name}"
    return Identity(kind=record.text("kind"), namespace=namespace, name=name, uid=uid)


def ended(status: Record) -> Ended | None:
    """Return how the run with *status* ended, `None` while it has not or when nothing says when.

    What ended before it began has no completion time; its condition has one.

    Raises:
        UnreadableSource: If its condition is none that Tekton sets.
    """
    for condition in status.records("conditions"):
        if condition.text("type") == "Succeeded":
            word = status_of(condition)
            if word is None:
                return None
            started_at, finished_at = status.span("startTime", "completionTime")
            finished_at = finished_at or condition.at("lastTransitionTime")
            if finished_at is None:
                return None
            started_at = min(started_at, finished_at) if started_at else None
            return Ended(status=word, started_at=started_at, finished_at=finished_at)
    return None


def why_no_end(status: Record) -> str:
    """Return in words why `ended` knows no end of the run with *status*."""
    conditions = status.records("conditions")
    over = any(one.text("type") == "Succeeded" and status_of(one) for one in conditions)
    return "does not say when it ended" if over else "has not finished"


def status_of(condition: Record) -> BuildStatus | None:
    """Return what a condition `Succeeded` says, `None` for `Unknown`.

    Raises:
        UnreadableSource: If it is not one of the three words.
    """
    word = condition.required("status")
    if word == "Unknown":
        return None
    if word == "True":
        return BuildStatus.PASSED
    if word != "False":
        condition.bad("status", "True, False or Unknown")
    stopped = condition.text("reason") in CANCELED
    return BuildStatus.CANCELED if stopped else BuildStatus.FAILED
