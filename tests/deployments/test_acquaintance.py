"""The ingress keeps in touch with every deployment, whether or not anybody asks for it."""

import asyncio

from deployments.acquaintance import Acquaintance
from deployments.answers import Readiness


class Part:
    def __init__(self, *, answers=True):
        self.greeted = 0
        self._answers = answers
        self.may_end = asyncio.Event()

    async def readiness(self):
        self.greeted += 1
        await self.may_end.wait()
        if not self._answers:
            raise RuntimeError("no controller")
        return Readiness(ready=True)


def test_every_deployment_is_greeted_again_and_one_that_fails_keeps_no_other_from_it():
    """
    Each renewal greets all, also after one of them failed.
    """

    async def twice():
        parts = [Part(), Part(answers=False), Part()]
        for part in parts:
            part.may_end.set()
        acquaintance = Acquaintance(parts)
        await acquaintance.renew_soon()
        await acquaintance.renew_soon()
        return [part.greeted for part in parts]

    assert asyncio.run(twice()) == [2, 2, 2]


def test_greetings_that_wait_do_not_pile_up():
    """
    While a greeting waits for a deployment, another renewal begins none beside it.
    """

    async def impatient():
        part = Part()
        acquaintance = Acquaintance([part])
        first = acquaintance.renew_soon()
        await asyncio.sleep(0)
        again = acquaintance.renew_soon()
        part.may_end.set()
        await first
        return part.greeted, again is first

    assert asyncio.run(impatient()) == (1, True)
