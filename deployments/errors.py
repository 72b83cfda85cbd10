"""From an error to what HTTP says about it: one table, one shape (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devmind.errors import (
    AccessRefused,
    AlreadyRunning,
    ContradictingRepeat,
    CorruptBundle,
    DevMindError,
    FeatureSchemaMismatch,
    FolderUnwritable,
    HistorySchemaMismatch,
    HistoryUnavailable,
    InvalidInput,
    JobEnded,
    ModelUnavailable,
    NoSpace,
    NotAllowed,
    NotAuthenticated,
    NotDue,
    NotEnoughHistory,
    NotFound,
    NothingToEvaluate,
    Overloaded,
    PromotionRefused,
    ServiceUnreachable,
    TooLarge,
    UnlearnableHistory,
    shorten,
)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What HTTP says about a class of errors: a status and a title that never changes."""

    status: int
    title: str
    retry_after_s: int | None = None


KINDS: Mapping[type[DevMindError], Kind] = {
    InvalidInput: Kind(status=422, title="The request cannot be used as it is"),
    TooLarge: Kind(status=413, title="The request is too large"),
    NotAuthenticated: Kind(status=401, title="An API key is needed"),
    AccessRefused: Kind(status=401, title="Cloudflare Access has not let this in"),
    NotAllowed: Kind(status=403, title="The API key lacks a scope"),
    NotFound: Kind(status=404, title="There is no such thing"),
    ContradictingRepeat: Kind(status=409, title="It was recorded before, differently"),
    AlreadyRunning: Kind(status=409, title="A job for this model is under way"),
    NotDue: Kind(status=409, title="The last job is too recent for the schedule"),
    JobEnded: Kind(status=409, title="The job is over"),
    FolderUnwritable: Kind(status=507, title="A folder takes no more files"),
    NoSpace: Kind(status=507, title="A disk of the service is full"),
    PromotionRefused: Kind(status=409, title="The version did not earn the promotion"),
    FeatureSchemaMismatch: Kind(status=409, title="The version does not fit this code"),
    CorruptBundle: Kind(status=409, title="The version's files are damaged"),
    NotEnoughHistory: Kind(status=409, title="There is too little history"),
    NothingToEvaluate: Kind(status=409, title="There is nothing to evaluate"),
    UnlearnableHistory: Kind(status=409, title="The history holds nothing to learn from"),
    ModelUnavailable: Kind(status=503, title="No model is loaded yet", retry_after_s=5),
    HistoryUnavailable: Kind(status=503, title="The history is not reachable", retry_after_s=2),
    HistorySchemaMismatch: Kind(
        status=503, title="The history's tables are of another version", retry_after_s=30
    ),
    ServiceUnreachable: Kind(status=503, title="A part of the service is away", retry_after_s=5),
    Overloaded: Kind(status=503, title="Too many requests are waiting", retry_after_s=1),
}
BROKEN = Kind(status=500, title="Something broke on our side")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One thing that is wrong with a request: where, what was sent, what to do."""

    field: str
    value: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """The body of every answer that is not a success.

    Attributes:
        type: A name for the kind of problem that programs can compare.
        title: The same in words; equal for all problems of a type.
        status: The HTTP status.
        detail: What happened this time.
        request_id: Finds the request in the service's log.
        errors: Each wrong field, for a request that can be corrected.
        reasons: Each reason by itself, where there are several.
    """

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: tuple[FieldError, ...] = ()
    reasons: tuple[str, ...] = ()

    def body(self) -> dict[str, object]:
        """Return the JSON object; without `errors` and `reasons` when there are none."""
        always = ("type", "title", "status", "detail", "request_id")
        body: dict[str, object] = {name: getattr(self, name) for name in always}
        if self.errors:
            body["errors"] = [
                {"field": e.field, "value": e.value, "advice": e.advice} for e in self.errors
            ]
        if self.reasons:
            body["reasons"] = list(self.reasons)
        return body


def kind(error: DevMindError) -> Kind:
    """Return what HTTP says about *error*; the most specific class of `KINDS` counts."""
    return next((KINDS[cls] for cls in type(error).__mro__ if cls in KINDS), BROKEN)


def retry_after_s(error: DevMindError) -> int | None:
    """Return how long the caller should wait, or `None` when waiting does not help."""
    return error.retry_after_s if isinstance(error, Overloaded) else kind(error).retry_after_s


def problem(
    error: DevMindError, request_id: str, fields: Sequence[FieldError] | None = None
) -> Problem:
    """Describe *error*; its text is ours, so nothing of the machine is in it.

    Args:
        error: What was raised.
        request_id: Of the request that raised it.
        fields: The wrong fields, where they are known better than from *error*.
    """
    known = kind(error)
    cls = next((c for c in type(error).__mro__ if c in KINDS), DevMindError)
    return Problem(
        type=type_name(cls.__name__),
        title=known.title,
        status=known.status,
        detail=str(error) if known is not BROKEN else "The log has it under this request id.",
        request_id=request_id,
        errors=tuple(fields) if fields is not None else _fields(error),
        reasons=error.reasons if isinstance(error, PromotionRefused) else (),
    )


def type_name(word: str) -> str:
    """Return the `type` of a problem.

    Example:
        >>> type_name("NotFound")
        'urn:devmind:problem:not-found'
    """
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in word).strip("-")
    return f"urn:devmind:problem:{words}"


def _fields(error: DevMindError) -> tuple[FieldError, ...]:
    if not isinstance(error, InvalidInput):
        return ()
    return (FieldError(field=error.what, value=shorten(error.value), advice=error.advice),)
