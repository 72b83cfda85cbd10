"""What the states of 200 projects of 5,000 tests take, and how soon a cold project answers.

`python -m benchmarks.serving.states` folds a project of 300 builds, keeps 200 projects like it in
a fresh process as a replica of test intelligence does (the watcher's among them), asks about
projects that no replica has seen, prints what it measured and writes it to
`benchmarks/results/serving_states.md`.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import psutil
import typer

from benchmarks.serving import cold_history, projects
from benchmarks.serving.states_report import AT_ONCE, LATER_BUILDS, Cold, Memory, report
from deployments.live_state import LiveStates
from deployments.watched_states import CAPACITY, WatchedStates
from features.build_state import BuildState
from features.sizes import size_of
from features.verdict_state import TestState
from history.events import Snapshot, StoredEvent
from history.open import open_history

RESULT = Path(__file__).parents[1] / "results" / "serving_states.md"
MIB = 2**20
_SEED, _REPEATS = 7, 5
_NEWS_BUILDS = 60
T = TypeVar("T")


class Snapshots:
    """A history in which every project has the same snapshot by another name, and may go on."""

    def __init__(self, body: bytes, told: Sequence[StoredEvent]) -> None:
        self._body, self._told = body, told
        self.until = told[0].sequence - 1

    def tail(self, project: str, *, after: int = 0, limit: int = 1000) -> list[StoredEvent]:
        """Return what has happened by now."""
        del project
        return [event for event in self._told if after < event.sequence <= self.until][:limit]

    def load_snapshot(
        self, project: str, state: str, *, until: int | None = None
    ) -> Snapshot | None:
        """Return the project's snapshot."""
        del until
        body = projects.named(self._body, project)
        return Snapshot(project=project, state=state, as_of=self.until, body=body)

    def save_snapshot(self, snapshot: Snapshot) -> None:
        """Lose it."""

    def read(
        self, project: str, *, after: int = 0, until: int | None = None
    ) -> Iterator[StoredEvent]:
        """Yield events."""
        del until
        yield from self.tail(project, after=after)


def main(
    count: Annotated[int, typer.Option(min=20)] = 200,
    tests: Annotated[int, typer.Option(min=1)] = 5_000,
    builds: Annotated[int, typer.Option(min=1)] = 300,
    cold: Annotated[int, typer.Option(min=1)] = 20,
) -> None:
    """Measure, print and write down."""
    told = list(projects.events(tests, builds + _NEWS_BUILDS, seed=_SEED))
    states = folded(told[: 3 * builds])
    bodies = (states[0].freeze(), states[1].freeze())
    memory = _apart(measure_memory, count, bodies, told[3 * builds :][: 3 * LATER_BUILDS])
    answers = _apart(measure_cold, cold, bodies[0], told)
    what = f"{count} projects of {tests:,} tests, {builds} builds each."
    text = report(what, memory, parts(states[0]), thaws(bodies), answers)
    print(text)
    RESULT.write_text(text)


def folded(told: Sequence[StoredEvent]) -> tuple[TestState, BuildState]:
    """Return both kinds of state after *told*."""
    tests, builds = TestState(), BuildState()
    for event in told:
        tests.update(event)
        builds.update(event)
    return tests, builds


def measure_memory(count: int, bodies: tuple[bytes, bytes], later: Sequence[StoredEvent]) -> Memory:
    """Keep *count* projects as a replica of test intelligence does; runs in a fresh process."""
    thaws(bodies)  # what is loaded once and for all
    history, names = Snapshots(bodies[0], later), [f"q{n:04d}" for n in range(count)]
    before = uss()
    states = LiveStates(
        history=history, kind=TestState, max_age_s=0.0, capacity=count, clock=time.monotonic
    )
    asyncio.run(_ask_all(states, names, history, later[-1].sequence))
    live = uss()
    watched = WatchedStates(history, TestState)
    for name in names[:CAPACITY]:
        watched.keep(name, watched.at(name, history.until), history.until)
    with_watched = uss()
    builds = [BuildState.thaw(projects.named(bodies[1], name)) for name in names]
    with_builds = uss()
    assert len(builds) == count  # noqa: S101 - they are kept until here
    return Memory(
        live_mib=live - before,
        watched_mib=with_watched - live,
        told_mib=states.room.taken / MIB,
        builds_mib=with_builds - with_watched,
    )


async def _ask_all(
    states: LiveStates[TestState], names: Sequence[str], history: Snapshots, until: int
) -> None:
    first, rng = history.until, np.random.default_rng(_SEED)
    for now in (first, until):
        history.until = now
        for start in range(0, len(names), AT_ONCE):
            some = names[start : start + AT_ONCE]
            await asyncio.gather(*(_ask(states, name, rng) for name in some))
    assert len(states) == len(names)  # noqa: S101 - or it is not what the report says


async def _ask(states: LiveStates[TestState], project: str, rng: np.random.Generator) -> None:
    async with states.at(project) as live:
        known = live.state.tests
        numbers = known.active()
        live.state.read(projects.queued(400, rng), numbers)
        known.names(numbers)


def measure_cold(count: int, body: bytes, told: Sequence[StoredEvent]) -> tuple[Cold, Cold]:
    """Ask about projects that no replica has seen: from a new snapshot, and from an old one."""
    names = [f"c{n:04d}" for n in range(count)]
    with (
        tempfile.TemporaryDirectory() as folder,
        open_history(f"sqlite:///{folder}/history.db") as store,
    ):
        news = [cold_history.write(store, name, told, body) for name in names]
        old = _first_answers(lambda: _live(store, 10**9), names)
        for name in names:  # a state that leaves is saved: so are these
            asyncio.run(_save(_live(store, 1), name))
        new = _first_answers(lambda: _live(store, 10**9), names)
    return Cold(news=0, seconds=new), Cold(news=max(news), seconds=old)


def _live(store: object, snapshot_every: int) -> LiveStates[TestState]:
    return LiveStates(
        history=store,  # type: ignore[arg-type] # a `HistoryStore` is one
        kind=TestState,
        max_age_s=1.0,
        capacity=10,
        clock=time.monotonic,
        snapshot_every=snapshot_every,
    )


async def _save(states: LiveStates[TestState], name: str) -> None:
    async with states.at(name):
        pass
    await states.close()


def _first_answers(
    make: Callable[[], LiveStates[TestState]], names: Sequence[str]
) -> tuple[float, ...]:
    rng, seconds = np.random.default_rng(_SEED), list[float]()
    for name in [*names] * _REPEATS:
        states = make()
        start = time.perf_counter()
        asyncio.run(_ask(states, name, rng))
        seconds.append(time.perf_counter() - start)
    return tuple(sorted(seconds))


def parts(state: TestState) -> list[tuple[str, float]]:
    """Return the MiB of a state's parts, largest first; what two of them hold is the first's."""
    held = {
        "names of tests": state._catalogue,  # noqa: SLF001 - it is taken apart
        "runs and commits": state._ledger,  # noqa: SLF001
        "builds remembered": state._builds,  # noqa: SLF001
        **{type(one).__name__: one for one in state._features},  # noqa: SLF001
    }
    sizes = [size_of(*list(held.values())[:n]) for n in range(len(held) + 1)]
    found = zip(held, np.diff(sizes) / MIB, strict=True)
    return sorted(((name, float(mib)) for name, mib in found), key=lambda part: -part[1])


def thaws(bodies: tuple[bytes, bytes]) -> dict[str, float]:
    """Return the median seconds that thawing a state of each kind takes."""
    return {
        "TestState": _median_s(lambda: TestState.thaw(bodies[0])),
        "BuildState": _median_s(lambda: BuildState.thaw(bodies[1])),
    }


def uss() -> float:
    """Return the memory of this process that is its own, in MiB."""
    gc.collect()
    return float(psutil.Process().memory_full_info().uss) / MIB


def _median_s(work: Callable[[], object]) -> float:
    seconds: list[float] = []
    for _ in range(20):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def _apart(measure: Callable[..., T], *arguments: object) -> T:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(measure, *arguments).result()


if __name__ == "__main__":
    typer.run(main)
