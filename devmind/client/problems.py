"""From a service's problem document (RFC 9457) back to the error it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devmind import errors
from devmind.errors import DevMindError, shorten

_BY_STATUS: Mapping[int, type[DevMindError]] = {
    400: errors.InvalidInput,
    401: errors.NotAuthenticated,
    403: errors.NotAllowed,
    404: errors.NotFound,
    409: errors.ContradictingRepeat,
    413: errors.TooLarge,
    415: errors.InvalidInput,
    422: errors.InvalidInput,
    429: errors.Overloaded,
    503: errors.ServiceUnreachable,
    504: errors.ServiceUnreachable,
}
_BY_NAME: Mapping[str, type[DevMindError]] = {
    kind.__name__.lower(): kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, DevMindError)
}
_SHOWN_FIELDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What the service said about a request it did not fulfil.

    Attributes:
        status: HTTP status.
        type: URI whose last part names the error class.
        detail: The sentence for people.
        request_id: Finds the request in the service's log.
        fields: What is wrong with which field, one sentence each.
    """

    status: int
    type: str = ""
    title: str = ""
    detail: str = ""
    request_id: str = ""
    fields: tuple[str, ...] = ()

    @classmethod
    def read(cls, status: int, body: Mapping[str, Any]) -> Problem:
        """Read a problem document; what it does not hold stays empty."""
        listed = body.get("errors")
        detail = str(body.get("detail", ""))
        fields = [_field(item, detail) for item in listed] if isinstance(listed, list) else []
        return cls(
            status=status,
            type=str(body.get("type", "")),
            title=str(body.get("title", "")),
            detail=detail,
            request_id=str(body.get("request_id", "")),
            fields=tuple(field for field in fields if field),
        )

    def __str__(self) -> str:
        text = self.detail or self.title or f"The service answered with status {self.status}."
        shown = "".join(f"\n  {field}" for field in self.fields[:_SHOWN_FIELDS])
        more = len(self.fields) - _SHOWN_FIELDS
        return text + shown + (f"\n  and {more} more" if more > 0 else "")


class Told(DevMindError):
    """Mixed into the error class that a problem names: its text is the service's own."""

    def __init__(self, problem: Problem) -> None:
        Exception.__init__(self, problem)
        self.problem = problem

    def __str__(self) -> str:
        return str(self.problem)


_TOLD: Mapping[str, type[Told]] = {
    name: type(kind.__name__, (Told, kind), {"__doc__": kind.__doc__})
    for name, kind in _BY_NAME.items()
    if kind is not DevMindError
}


def error_of(problem: Problem) -> DevMindError:
    """Return the error that *problem* stands for: an instance of the class it names.

    Example:
        >>> told = error_of(Problem(status=409, type="urn:devmind:problem:already-running"))
        >>> isinstance(told, errors.AlreadyRunning)
        True
    """
    return _kind(problem)(problem)


def _kind(problem: Problem) -> type[Told]:
    name = problem.type.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    letters = "".join(letter for letter in name.lower() if letter.isalpha())
    by_status = _BY_STATUS.get(problem.status, DevMindError).__name__.lower()
    return _TOLD.get(letters) or _TOLD.get(by_status, Told)


def _field(item: object, detail: str) -> str:
    """Put one entry of `errors` into words, or nothing when *detail* has said it."""
    if not isinstance(item, Mapping):
        return str(item)
    where = str(item.get("field", ""))
    what = str(item.get("advice") or item.get("message") or "is not valid")
    if where in detail and what in detail:
        return ""
    got = item.get("value")
    shown = "" if got is None else f" (got {shorten(str(got), 60)})"
    return f"{where}: {what}{shown}" if where else what + shown
