"""The ingress gets to know every deployment, whether or not anybody asks for it."""

import asyncio

from deployments.acquaintance import Acquaintance

YES, NO = True, False


class Part:
    def __init__(self, *answers):
        self.greeted = 0
        self._answers = iter(answers)
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def reached(self):
        self.greeted += 1
        await self.may_end.wait()
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_each_deployment_is_greeted_until_it_has_answered():
    """
    Who does not answer, or breaks, is greeted again; who has answered is left in peace.
    """

    async def thrice():
        parts = [Part(YES), Part(NO, YES), Part(RuntimeError("no controller"), NO, YES)]
        acquaintance, complete = Acquaintance(parts), []
        for _ in range(4):
            await acquaintance.meet_soon()
            complete.append(acquaintance.complete)
        return [part.greeted for part in parts], complete

    assert asyncio.run(thrice()) == ([1, 2, 3], [NO, NO, YES, YES])


def test_greetings_that_wait_do_not_pile_up():
    """
    While a greeting waits for a deployment, another one begins none beside it.
    """

    async def impatient():
        part = Part(YES)
        part.may_end.clear()
        acquaintance = Acquaintance([part])
        first = acquaintance.meet_soon()
        await asyncio.sleep(0)
        again = acquaintance.meet_soon()
        part.may_end.set()
        await first
        return part.greeted, again is first

    assert asyncio.run(impatient()) == (1, True)
