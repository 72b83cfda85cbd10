"""Starting every server by turns and measuring it; what fails is told, and the rest goes on."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from benchmarks.serving.accounting import maps, uss_bytes
from benchmarks.serving.bodies import Requests
from benchmarks.serving.figures import Condition
from benchmarks.serving.made_projects import junit
from benchmarks.serving.material import Material
from benchmarks.serving.measuring import measured, settle
from benchmarks.serving.own import check, empty_start_s, own_service
from benchmarks.serving.peer_servers import Peer, Peers, peer_server
from benchmarks.serving.plan import RESULTS, Endpoint, Plan, Point
from benchmarks.serving.results import Results
from benchmarks.serving.server import Server
from benchmarks.serving.variants import VARIANTS, Variant
from devmind.readers.junit import read_junit

PEERS = ("fastapi", "mlflow", "bentoml", "mlserver")
SERVERS = (*(variant.name for variant in VARIANTS), *PEERS)
_PARSES = 15
CATCH_UP_S = 60.0
"""A replica that starts reads, beside its answers, what came of the builds it knows of: at most so
long is waited for that before anything is measured."""

Starts = Callable[[Path], AbstractContextManager[Server]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A server that can be started, again and again.

    Attributes:
        name: As in tables.
        about: What it is.
        offers: The endpoints that it has.
        starts: Starts it in a folder.
        own: Whether it is our service, whose answers are looked at, once it has caught up.
    """

    name: str
    about: str
    offers: tuple[Endpoint, ...]
    starts: Starts
    own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Who hears how far it is.

    Attributes:
        says: Hears what is done now.
        ends: Hears of each point that is done.
    """

    says: Callable[[str], None]
    ends: Callable[[Point], None]


def own_entries(
    names: tuple[str, ...], material: Material, requests: Mapping[Endpoint, Requests]
) -> list[Entry]:
    """Return the variants of our service that are among *names*."""

    def starting(variant: Variant) -> Starts:
        return lambda folder: own_service(variant, material, requests, folder)

    return [
        Entry(
            name=variant.name,
            about=variant.about,
            offers=variant.offers,
            starts=starting(variant),
            own=variant.answers,
        )
        for variant in VARIANTS
        if variant.name in names
    ]


def peer_entries(names: tuple[str, ...], peers: Peers, results: Results) -> list[Entry]:
    """Return the peers that are among *names*; one that cannot be prepared is a failure."""

    def starting(peer: Peer) -> Starts:
        return lambda folder: peer_server(peer, folder)

    found = []
    for name in PEERS:
        if name not in names:
            continue
        try:
            made: list[Peer] = getattr(peers, name)()
        except Exception as error:  # noqa: BLE001 - whatever a peer lacks, the others go on
            results.failures.append(f"{name}: {error}")
            continue
        found += [
            Entry(
                name=peer.name,
                about=peer.about,
                offers=tuple(peer.requests),
                starts=starting(peer),
            )
            for peer in made
        ]
    return found


def measure_all(
    entries: list[Entry], plan: Plan, program: str, results: Results, watching: Watching
) -> None:
    """Measure every entry in every repetition, into *results*, until the time is up."""
    began = time.monotonic()
    for repetition in range(1, plan.repetitions + 1):
        results.parse_us.append(parse_us())
        _empty(results, watching)
        for entry in entries:
            points = plan.points(entry.name, entry.offers)
            if not points:
                continue
            if time.monotonic() - began > plan.budget_s:
                left = f"left out in repetition {repetition}, {plan.budget_s / 60:.0f} min are over"
                results.failures.append(f"{entry.name}: {left}")
                continue
            watching.says(f"{entry.name}, {repetition} of {plan.repetitions}: starting")
            _measure(entry, points, plan, program, results, watching)


def parse_us() -> float:
    """Return the CPU time of parsing the JUnit file that is recorded, in microseconds."""
    body = junit(RESULTS).encode()
    taken = []
    for _ in range(_PARSES):
        before = time.process_time()
        read_junit(BytesIO(body))
        taken.append(time.process_time() - before)
    return 1e6 * sorted(taken)[_PARSES // 2]


def _measure(  # noqa: PLR0913, PLR0917 - one run needs all of them
    entry: Entry,
    points: list[Point],
    plan: Plan,
    program: str,
    results: Results,
    watching: Watching,
) -> None:
    done = 0
    with tempfile.TemporaryDirectory(prefix="bs", dir="/tmp", ignore_cleanup_errors=True) as folder:
        try:
            with entry.starts(Path(folder) / entry.name) as server:
                if entry.own:
                    watching.says(f"{entry.name}: catching up")
                    settle(server, CATCH_UP_S)
                    check(server)
                watching.says(f"{entry.name}: measuring")
                for run in measured(server, points, plan, program, watching.ends):
                    results.runs.append(run)
                    done += 1
                results.conditions.append(_condition(server))
        except Exception as error:  # noqa: BLE001 - what is measured is kept, the rest goes on
            results.failures.append(f"{entry.name}, after {done} of {len(points)} points: {error}")
            for point in points[done:]:
                watching.ends(point)


def _condition(server: Server) -> Condition:
    pids = server.pids()
    return Condition(
        server=server.name,
        start_s=server.start_s,
        uss=uss_bytes(pids),
        torch=tuple(maps(pids, "torch")),
    )


def _empty(results: Results, watching: Watching) -> None:
    watching.says("an empty application by `serve run`")
    with tempfile.TemporaryDirectory(prefix="bs", dir="/tmp", ignore_cleanup_errors=True) as folder:
        try:
            results.empty_start_s.append(empty_start_s(Path(folder)))
        except Exception as error:  # noqa: BLE001 - as above
            results.failures.append(f"empty application: {error}")
