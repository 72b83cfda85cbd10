"""What one answer costs in CPU time, layer by layer, in this process and without Ray.

`python -m benchmarks.serving.in_process` makes projects of 500 and 5,000 tests and models of the
sizes that training's defaults give, asks every endpoint again and again, and prints a table.
Questions differ in their branch, one of `--branches`: with many of them every answer is made, with
one it is given again. Log lines are thrown away; the history is on SQLite, in a temporary folder.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.serving.in_process_history import PIPELINE, START, history, project, test_names
from benchmarks.serving.in_process_models import fit_all
from benchmarks.serving.in_process_services import InProcess, Ready, asgi, http_app
from deployments.schemas import AssessBody, DurationBody, FailureBody, SelectionBody
from devmind.ci import QueuedBuild
from devmind.events import Queued
from devmind.logs import configure
from devmind.readers.junit import read_junit, read_runs
from features.replay import replay_builds, replay_tests
from history.drafts import Draft, report_draft
from history.open import open_history
from history.store import HistoryStore

SMALL, LARGE, RUNS = 500, 5_000, 1_000
BUILDS = {SMALL: 150, LARGE: 25}
_HEAD = """\
| endpoint | all, us | HTTP alone, us | service alone, us | |
|---|--:|--:|--:|---|"""
_V1 = "/api/v1"
Once = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Asked:
    """An endpoint and what is sent to it.

    Attributes:
        name: What the table calls it.
        path: The route.
        body: Reads the JSON.
        method: Which of the services' methods answers.
        fields: The JSON, but for what makes one request differ from the next.
        rounds: How many requests are timed.
    """

    name: str
    path: str
    body: Any
    method: str
    fields: Mapping[str, object]
    rounds: int = 100

    def json(self, branch: int) -> bytes:
        """Return the body of a request about a build of a *branch*."""
        return json.dumps({**self.fields, "branch": f"fix/topic-{branch}"}).encode()


def endpoints() -> list[Asked]:
    """Return everything that is asked."""
    change = {
        "commit_hash": f"{7:040x}",
        "author": "author-1",
        "changed_files": ["src/area_1/module_1.py", "src/area_2/module_2.py"],
    }
    build = {"project_name": project(SMALL), "pipeline_id": PIPELINE, "trigger": "push", **change}
    large = {**build, "project_name": project(LARGE)}
    named, many = {"all_tests": test_names(SMALL)}, {"all_tests": test_names(LARGE)}
    select = f"{_V1}/test-intelligence/select"
    return [
        Asked("duration", f"{_V1}/build-optimizer/predict", DurationBody, "duration", build),
        Asked("failure", f"{_V1}/failure-predictor/predict", FailureBody, "failure", build),
        Asked("select, 500 known", select, SelectionBody, "tests", build, 30),
        Asked("select, 500 sent", select, SelectionBody, "tests", {**build, **named}, 30),
        Asked("select, 5,000 known", select, SelectionBody, "tests", large, 10),
        Asked("select, 5,000 sent", select, SelectionBody, "tests", {**large, **many}, 10),
        Asked("assess, 500 known", f"{_V1}/assess", AssessBody, "assess", build, 30),
    ]


def main(
    branches: Annotated[
        int, typer.Option(min=1, help="Questions about so many builds, one after the other.")
    ] = 1_000,
    only: Annotated[str, typer.Option(help="Measure endpoints whose name holds this.")] = "",
) -> None:
    """Measure and print the table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        configure(json=True, stream=stack.enter_context(Path(os.devnull).open("w")))
        store = stack.enter_context(open_history(f"sqlite:///{folder}/history.db"))
        for tests, builds in BUILDS.items():
            for happened in history(tests, builds, seed=tests):
                store.append(project(tests), happened)
        events = list(store.read(project(SMALL)))
        bundles = fit_all(folder, replay_builds(events), replay_tests(events[: 3 * 40]))
        now = START + timedelta(minutes=40 * BUILDS[SMALL])
        services = InProcess(store, bundles, lambda: now)
        print(f"{platform.machine()}, Python {platform.python_version()}\n\n{_HEAD}")
        asyncio.run(measure(services, store, branches, only))


async def measure(services: InProcess, store: HistoryStore, branches: int, only: str = "") -> None:
    """Print a row for each endpoint whose name holds *only*."""
    await services.load()
    asked = [each for each in endpoints() if only in each.name]
    for each in asked:
        print(await _measured(each, services, branches), flush=True)
    if only in f"report of {RUNS:,}":
        await _report(services, store)


async def _measured(each: Asked, services: InProcess, branches: int) -> str:
    bodies = [each.json(branch) for branch in range(min(branches, 3 * each.rounds))]
    questions = [each.body.model_validate_json(body).domain() for body in bodies]
    answer = getattr(services, each.method)
    ready = http_app(Ready(await answer(questions[0])), services.records)
    whole, size = http_app(services, services.records), len(bodies)
    layers = [
        await cost(lambda n: asgi(whole, each.path, bodies[n % size]), each.rounds),
        await cost(lambda n: asgi(ready, each.path, bodies[n % size]), each.rounds),
        await cost(lambda n: answer(questions[n % size]), each.rounds),
    ]
    return _row(each.name, layers)


async def cost(once: Once, rounds: int, *, repeats: int = 2) -> float:
    """Return the CPU microseconds of this process for one of *rounds* calls, the best of some."""
    best, calls = float("inf"), count()
    for _ in range(min(rounds, 5)):
        await once(next(calls))
    for _ in range(repeats):
        before = time.process_time_ns()
        for _ in range(rounds):
            await once(next(calls))
        best = min(best, (time.process_time_ns() - before) / rounds / 1_000)
    return best


async def _report(services: InProcess, store: HistoryStore, rounds: int = 20) -> None:
    body, numbers = junit(RUNS), count()
    repeats = 2
    builds = [_queue(store, number) for number in range((repeats + 1) * 2 * rounds)]

    def path() -> str:
        return f"{_V1}/builds/{builds[next(numbers)]}/tests?name=unit"

    whole = http_app(services, services.records)
    parsing = await cost(lambda _: _parse(body), rounds, repeats=repeats)
    runs = read_runs(BytesIO(body), name="unit")

    def draft() -> Draft:
        return report_draft(builds[next(numbers)], "unit", runs)

    layers = [
        await cost(lambda _: asgi(whole, path(), body, kind="application/xml"), rounds),
        parsing,
        await cost(lambda _: services.records.reported(draft()), rounds),
    ]
    times = f"{layers[0] / parsing:.2f} times parsing alone (in the column of HTTP)"
    print(_row(f"report of {RUNS:,}", layers, times))


async def _parse(body: bytes) -> object:
    return read_junit(BytesIO(body), name="unit")


def _queue(store: HistoryStore, number: int) -> str:
    build = QueuedBuild(
        project="benchmark/reports",
        pipeline=PIPELINE,
        external_id=f"report-{number}",
        queued_at=START + timedelta(seconds=number),
    )
    store.append(build.project, [Queued(build=build)])
    return build.build_id


def junit(runs: int) -> bytes:
    """Return a JUnit file of so many test cases, one in a hundred of which has failed."""
    cases = "".join(
        f'<testcase classname="{name.partition("::")[0]}" name="{name.partition("::")[2]}" '
        f'file="{name.partition("::")[0]}" time="{0.001 * (number % 97):.3f}">'
        f'{"" if number % 100 else "<failure message=wrong>expected 1, got 2</failure>"}</testcase>'
        for number, name in enumerate(test_names(runs))
    ).replace("message=wrong", 'message="wrong"')
    return f'<testsuites><testsuite name="pytest">{cases}</testsuite></testsuites>'.encode()


def _row(name: str, layers: list[float], remark: str = "") -> str:
    return "| " + " | ".join([name, *(f"{layer:,.0f}" for layer in layers), remark]) + " |"


if __name__ == "__main__":
    typer.run(main)
