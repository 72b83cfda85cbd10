"""Questions that wait together travel together; knows asyncio and neither Ray nor models.

A question leaves in the turn of the loop in which it came, unless enough calls are under way. What
comes meanwhile waits and shares the next call. There is no timer: nothing waits for company.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

from devmind.errors import Overloaded, ServiceUnreachable

Q = TypeVar("Q")
A = TypeVar("A")
Send = Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]]
"""Answers questions in their order; a question that fails alone has its error as its answer."""
EACH = 2
"""Calls under way for each replica: one at work, one that is on its way to it or back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may be at once.

    Attributes:
        batch: Questions of one call.
        waiting: Questions that wait; further ones are refused.
    """

    batch: int = 64
    waiting: int = 256


class Coalescer(Generic[Q, A]):
    """Asks one deployment for many callers.

    Args:
        send: Makes one call.
        replicas: Says how many replicas share the calls now.
        limits: How much may be at once.
    """

    def __init__(
        self,
        send: Send[Q, A],
        *,
        replicas: Callable[[], int] = lambda: 1,
        limits: Limits | None = None,
    ) -> None:
        self._send, self._replicas = send, replicas
        self._limits = limits or Limits()
        self._waiting: OrderedDict[asyncio.Future[A], Q] = OrderedDict()
        self._calls: dict[asyncio.Task[None], dict[asyncio.Future[A], Q]] = {}
        self._woken = False

    @property
    def waiting(self) -> int:
        """How many questions wait for a call; `Limits.waiting` of them at most."""
        return len(self._waiting)

    @property
    def under_way(self) -> int:
        """How many questions wait or are being answered: the queue as callers see it."""
        asked = sum(not future.done() for call in self._calls.values() for future in call)
        return len(self._waiting) + asked

    async def ask(self, question: Q) -> A:
        """Return the answer to *question*.

        A caller that is cancelled takes its question back if it waits; if it has left, the answer
        is ignored, and a call whose callers have all gone is given up.

        Raises:
            Overloaded: If too many wait already.
            Exception: What *send* raised, or gave as the answer to this question.
        """
        if len(self._waiting) >= self._limits.waiting:
            raise Overloaded(1)
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting[future] = question
        self._soon()
        try:
            return await future
        except asyncio.CancelledError:
            self._waiting.pop(future, None)
            self._give_up()
            raise

    def _soon(self) -> None:
        """Start calls at the end of this turn of the loop, so that its questions go together."""
        if not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        self._woken = False
        replicas = max(self._replicas(), 1)
        free = replicas * EACH - len(self._calls)
        while self._waiting and free > 0:
            shares = min(free, replicas)
            self._call(-(-len(self._waiting) // shares))
            free, replicas = free - 1, max(replicas - 1, 1)

    def _call(self, share: int) -> None:
        count = min(share, self._limits.batch)
        batch = dict(self._waiting.popitem(last=False) for _ in range(count))
        # In a context of its own: a call that belongs to many must not end with one of them.
        task = asyncio.get_running_loop().create_task(self._ask(batch), context=Context())
        self._calls[task] = batch
        task.add_done_callback(self._ended)

    async def _ask(self, batch: dict[asyncio.Future[A], Q]) -> None:
        try:
            answers = await self._send(list(batch.values()))
            told = list(zip(batch, answers, strict=True))
        except asyncio.CancelledError:
            _tell([(future, ServiceUnreachable("the model", "the call ended")) for future in batch])
            raise
        except Exception as error:  # noqa: BLE001 - it is raised again, for each who asked
            told = [(future, error) for future in batch]
        _tell(told)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._calls[task]
        if self._waiting:
            self._soon()

    def _give_up(self) -> None:
        """Cancel calls that nobody waits for: a replica that hangs must not keep a place."""
        for task, batch in self._calls.items():
            if all(future.done() for future in batch):
                task.cancel()


def _tell(told: Sequence[tuple[asyncio.Future[A], A | Exception]]) -> None:
    for future, answer in told:
        if future.done():  # its caller has gone
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
