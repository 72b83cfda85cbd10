"""Many questions in one call to a model: each with its request's id and trace, each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from deployments.tracing import carried, continued
from devmind.errors import DevMindError

Q = TypeVar("Q")
A = TypeVar("A")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(Generic[Q]):
    """A question on its way.

    Attributes:
        question: What is asked.
        request_id: Of the request that asks; empty outside of one.
        trace: What continues its trace, as headers; empty if it has none.
    """

    question: Q
    request_id: str = ""
    trace: Mapping[str, str] = field(default_factory=dict)


class Broke(Exception):
    """A question met what nobody foresaw; the log of the replica has it.

    Attributes:
        kind: The class of what was raised.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def sent(question: Q) -> Sent[Q]:
    """Return *question* with what the log and the trace of this request are known by."""
    bound = structlog.contextvars.get_contextvars()
    return Sent(question=question, request_id=bound.get("request_id", ""), trace=carried())


async def answer_each(
    answer: Callable[[Q], Awaitable[A]], questions: Sequence[Sent[Q]]
) -> list[A | Exception]:
    """Answer *questions* side by side; the answer of one that fails is its error."""
    return list(await asyncio.gather(*(_answered(answer, each) for each in questions)))


async def _answered(answer: Callable[[Q], Awaitable[A]], each: Sent[Q]) -> A | Exception:
    if each.request_id:  # this question's task has a context of its own, which ends with it
        structlog.contextvars.bind_contextvars(request_id=each.request_id)
    with continued(each.trace, "question") if each.trace else nullcontext():
        try:
            return await answer(each.question)
        except DevMindError as error:
            return error
        except Exception as error:
            log.exception("question broke")
            return Broke(type(error).__name__)
