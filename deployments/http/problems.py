"""Errors as HTTP answers: one shape, and nothing of the machine in it."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from deployments.errors import (
    BROKEN,
    MEDIA_TYPE,
    FieldError,
    Problem,
    problem,
    retry_after_s,
    type_name,
)
from devmind.errors import DevMindError, InvalidInput, NotAuthenticated, shorten

log = structlog.get_logger(__name__)
SHOWN = 20
_TITLES = {404: "There is no such route", 405: "This route does not take that method"}
_ADVICE = {
    "extra_forbidden": "This field is unknown; remove it.",
    "missing": "This field is needed.",
    "timezone_aware": "Send a time with its zone, as in 2026-03-01T12:00:00Z.",
    "finite_number": "NaN and infinities are not numbers here; leave the field out.",
    "json_invalid": "The body is not JSON.",
}


class InvalidBody(InvalidInput):
    """A body with wrong fields, each with its value and advice."""

    def __init__(self, fields: tuple[FieldError, ...], count: int) -> None:
        super().__init__(f"{count} wrong in the request", fields[0].field, fields[0].advice)
        self.args = (fields, count)
        self.fields = fields
        self.count = count

    def __str__(self) -> str:
        first = self.fields[0]
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        return f"{first.field}: got {first.value}. {first.advice}{more}"

    @classmethod
    def of(cls, error: ValidationError | RequestValidationError, body: bytes = b"") -> InvalidBody:
        """Return what pydantic found, the first few fields of it."""
        found: Any = error.errors()
        return cls(tuple(_field(entry, body) for entry in found[:SHOWN]), len(found))


def _field(entry: dict[str, Any], body: bytes) -> FieldError:
    name = ".".join(str(part) for part in entry["loc"]) or "body"
    value = entry.get("input")
    if entry["type"] == "json_invalid":
        value = body.decode("utf-8", "replace")
    advice = _ADVICE.get(entry["type"], "")
    message = str(entry["msg"]).rstrip(".") + "."
    shown = "nothing" if entry["type"] == "missing" else shorten(value)
    return FieldError(field=name, value=shown, advice=f"{message} {advice}".strip())


def request_id(request: Request) -> str:
    """Return the id that the middleware gave *request*."""
    return str(request.scope.get("devmind.request_id", ""))


def respond(body: Problem, headers: dict[str, str] | None = None) -> Response:
    """Return *body* as a response."""
    content = msgspec.json.encode(body.body())
    return Response(content, body.status, headers=headers, media_type=MEDIA_TYPE)


def broken(request_id: str) -> Response:
    """Return the answer for an error that nobody meant; the log has the rest."""
    detail = "The service's log has it under this request id."
    return respond(
        Problem(
            type=type_name("Internal"),
            title=BROKEN.title,
            status=BROKEN.status,
            detail=detail,
            request_id=request_id,
        )
    )


def install(app: FastAPI) -> None:
    """Let *app* answer every error in the one shape."""
    app.add_exception_handler(DevMindError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, DevMindError)  # noqa: S101 - registered for it alone
    return refusal(error, request_id(request))


def refusal(error: DevMindError, request_id: str) -> Response:
    """Return the answer that *error* stands for."""
    fields = error.fields if isinstance(error, InvalidBody) else None
    body = problem(error, request_id, fields)
    log.info("refused", status=body.status, kind=type(error).__name__)
    return respond(body, _headers(error))


def _headers(error: DevMindError) -> dict[str, str]:
    wait = retry_after_s(error)
    headers = {} if wait is None else {"Retry-After": str(wait)}
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
    return await _ours(request, InvalidBody.of(error))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
    title = _TITLES.get(error.status_code, str(error.detail))
    body = Problem(
        type=type_name("Http") + f"-{error.status_code}",
        title=title,
        status=error.status_code,
        detail=f"{request.method} {shorten(request.url.path)}: {error.detail}",
        request_id=request_id(request),
    )
    return respond(body, dict(error.headers or {}))
