"""Our service under moderate load for minutes, and whether its memory stays flat: `make soak`.

Questions of all kinds and records come by turns, so many a second. It prints what the memory of
each process did and exits with 1 if one grew or a request failed.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from itertools import count, cycle
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.serving.__main__ import CACHE
from benchmarks.serving.accounting import used
from benchmarks.serving.bodies import Requests, own_requests
from benchmarks.serving.growth import Growth, Sample, growths, table
from benchmarks.serving.material import prepare
from benchmarks.serving.own import check, own_service
from benchmarks.serving.plan import Endpoint
from benchmarks.serving.server import Server
from benchmarks.serving.variants import VARIANTS
from devmind.local.processes import memory_use

MIX = (
    *(Endpoint.DURATION, Endpoint.FAILURE, Endpoint.ASSESS) * 3,
    Endpoint.SELECT_500,
    Endpoint.RECORD,
    Endpoint.SELECT_5000,
)
"""What is asked, by turns."""
EVERY_S = 5.0
_CLIENTS = 8
_TIMEOUT_S = 60.0


def main(
    minutes: Annotated[float, typer.Option(min=0.5, help="How long.")] = 10.0,
    rate: Annotated[float, typer.Option(min=1, help="Requests a second.")] = 20.0,
) -> None:
    """Load the service, watch its memory, print the verdict."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="bs", dir="/tmp", ignore_cleanup_errors=True) as folder,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task("preparing", total=60 * minutes)
        place = Path(folder)
        material = prepare(CACHE, lambda text: progress.update(task, description=text[:60]))
        requests = own_requests(material, place / "requests")
        with own_service(VARIANTS[0], material, requests, place / "ours") as server:
            check(server)
            soak = Soak(server, rate=rate, shows=lambda s: progress.update(task, completed=s))
            progress.update(task, description="under load")
            asyncio.run(soak.run(60 * minutes))
    raise typer.Exit(_told(growths(soak.samples), soak.answers, minutes, rate))


class Soak:
    """A load of so many requests a second, and samples of the server's memory.

    Args:
        server: Answers.
        rate: Requests a second; fewer where all clients wait.
        shows: Told the seconds that have passed.
    """

    def __init__(self, server: Server, *, rate: float, shows: Callable[[float], object]) -> None:
        self.samples: list[Sample] = []
        self.answers: Counter[str] = Counter()
        self._server, self._rate, self._shows = server, rate, shows
        self._turns = cycle(MIX)
        self._number = count()
        self._lines = {
            endpoint: (_lines(sent, bodies=True), _lines(sent, bodies=False))
            for endpoint, sent in server.requests.items()
        }

    async def run(self, seconds: float) -> None:
        """Load and watch for so long."""
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=self._server.url, timeout=_TIMEOUT_S) as client:
            clients = [self._ask(client, began, seconds) for _ in range(_CLIENTS)]
            await asyncio.gather(*clients, self._watch(began, seconds))

    async def _ask(self, client: httpx.AsyncClient, began: float, seconds: float) -> None:
        while True:
            number = next(self._number)
            at_s = number / self._rate
            if at_s >= seconds:
                return
            await asyncio.sleep(max(0.0, began + at_s - time.monotonic()))
            if time.monotonic() - began >= seconds:
                return
            await self._send(client, next(self._turns), number)

    async def _send(self, client: httpx.AsyncClient, endpoint: Endpoint, number: int) -> None:
        bodies, paths = self._lines[endpoint]
        try:
            answer = await client.post(
                paths[number % len(paths)].replace("{n}", f"soak-{number}"),
                content=bodies[number % len(bodies)],
                headers={"content-type": self._server.requests[endpoint].load.content_type},
            )
            self.answers["answered" if answer.is_success else f"{answer.status_code}"] += 1
        except httpx.HTTPError as error:
            self.answers[type(error).__name__] += 1

    async def _watch(self, began: float, seconds: float) -> None:
        while (at_s := time.monotonic() - began) < seconds:
            self.samples.append(await asyncio.to_thread(_sample, self._server, at_s))
            self._shows(at_s)
            await asyncio.sleep(min(EVERY_S, max(0.1, seconds / 40)))


def _sample(server: Server, at_s: float) -> Sample:
    uss = {}
    for pid in server.pids():
        one, memory = used(pid), memory_use(pid)
        if one is not None and memory is not None:
            uss[one.part, pid] = memory.uss_bytes
    return Sample(at_s=at_s, uss=uss)


def _lines(sent: Requests, *, bodies: bool) -> list[str]:
    return (sent.load.bodies if bodies else sent.load.paths).read_text().splitlines()


def _told(found: list[Growth], answers: Counter[str], minutes: float, rate: float) -> int:
    """Print the verdict and return the exit code."""
    failed = answers.total() - answers["answered"]
    grown = [one for one in found if not one.flat]
    print(f"{minutes:g} minutes, {rate:g} requests/s wanted: {dict(answers)}\n")
    print(table(found))
    if grown:
        names = ", ".join(f"{one.part} by {one.grown_mb:.1f} MB" for one in grown)
        print(f"\nNot flat: {names}.")
    else:
        print("\nFlat: no process grew beyond noise." if found else "\nToo short to say anything.")
    if failed:
        print(f"{failed} requests failed.")
    return 1 if grown or failed or not found else 0


if __name__ == "__main__":
    typer.run(main)
