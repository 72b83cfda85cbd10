"""Answers as JSON, and how they are described in the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import BaseModel
from starlette.responses import Response

from deployments.errors import MEDIA_TYPE

REFERENCE = "#/components/schemas/{model}"


class FieldErrorBody(BaseModel):
    """One thing that is wrong with a request."""

    field: str
    value: str
    advice: str


class ProblemBody(BaseModel):
    """Every answer that is not a success (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldErrorBody] = []
    reasons: list[str] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAnswer:
    """An event is durable.

    Attributes:
        build_id: The build's identifier in DevMind.
        sequence: Its place in the project's history.
        repeated: Whether it was there before.
    """

    build_id: str
    sequence: int
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedAnswer(RecordedAnswer):
    """A test report is durable.

    Attributes:
        tests: How many test runs it has, reruns included.
        failed: How many of them failed or broke.
        skipped: How many were skipped.
    """

    tests: int
    failed: int
    skipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsAnswer:
    """A batch of events is durable.

    Attributes:
        recorded: How many are new.
        repeated: How many were there before.
        last_sequence: Place of the last one in the project's history.
    """

    recorded: int
    repeated: int
    last_sequence: int


def answer(value: object, status: int = 200) -> Response:
    """Return *value* as JSON; NaN becomes `null`."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe error answers, for a route's `responses`."""
    content = {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(model="ProblemBody")}}}
    return {status: {"description": _MEANING[status], "content": content} for status in statuses}


_MEANING = {
    401: "No API key, or one that is not known.",
    403: "The key lacks the scope.",
    404: "There is no such thing.",
    409: "It contradicts what is there; `detail` says what.",
    413: "The body is over the limit.",
    415: "The body is of a kind that is not read here.",
    422: "Something in the request is wrong; `errors` lists each field, what was sent, and advice.",
    503: "Not now; try again after `Retry-After` seconds.",
}
REFUSED = (401, 403, 422, 503)
