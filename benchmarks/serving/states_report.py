"""Lays out what `benchmarks.serving.states` measured."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from deployments.watched_states import CAPACITY

GOAL_MIB, GOAL_S = 1024, 1.0
AT_ONCE = 4
LATER_BUILDS = 5
"""Builds that come while the states are kept, so that arrays are written and replaced."""
_SHOWN_MIB = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a replica's states take: USS, and what they say themselves."""

    live_mib: float
    watched_mib: float
    told_mib: float
    builds_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cold:
    """How long cold projects take from the question to the rows: seconds, sorted."""

    news: int
    seconds: tuple[float, ...]

    def quantile(self, share: float) -> float:
        """Return a quantile."""
        return float(np.quantile(self.seconds, share))


def report(
    what: str,
    memory: Memory,
    made_of: Sequence[tuple[str, float]],
    thawed: dict[str, float],
    answers: Sequence[Cold],
) -> str:
    """Lay the measurements out as Markdown, with date and machine."""
    whole = memory.live_mib + memory.watched_mib
    slowest = max(cold.quantile(0.99) for cold in answers)
    fits, quick = (("no", "yes")[reached] for reached in (whole <= GOAL_MIB, slowest < GOAL_S))
    of_state = sum(mib for _, mib in made_of)
    named = dict(made_of)["names of tests"]
    today, kept = f"{datetime.now(UTC):%Y-%m-%d}", f"keeps them in {GOAL_MIB} MiB"
    where = f"{today}, {platform.machine()}, Python {platform.python_version()}"
    rows = [
        "# States of many projects in one replica\n",
        f"`python -m benchmarks.serving.states`: {what} {where}.\n",
        "| goal | measured | reached |\n|---|--:|---|",
        f"| a replica of test intelligence {kept} | {whole:.0f} MiB | {fits} |",
        f"| a cold project is answered in {GOAL_S:.0f} s | {slowest:.2f} s (p99) | {quick} |\n",
        (
            "Memory is what the process has for itself (USS) after all projects were asked about,"
            f" {LATER_BUILDS} builds came, and all were asked about again, {AT_ONCE} at a time.\n"
        ),
        "| memory | MiB |\n|---|--:|",
        f"| `TestState` of all, as questions keep them | {memory.live_mib:.0f} |",
        f"| the same by their own estimate (`nbytes`) | {memory.told_mib:.0f} |",
        f"| `TestState` of {CAPACITY}, as the watcher keeps them | {memory.watched_mib:.0f} |",
        (
            f"| `BuildState` of all, as a replica of the other models keeps them"
            f" | {memory.builds_mib:.0f} |\n"
        ),
        "| part of one `TestState` | MiB |\n|---|--:|",
        *(f"| {name} | {mib:.2f} |" for name, mib in made_of if mib >= _SHOWN_MIB),
        f"| all | {of_state:.2f} |\n",
        (
            f"Names are {named / of_state:.0%} of it: all that several replicas on a node could"
            " map from one file, as no event changes them.\n"
        ),
        "| thawing | ms, median |\n|---|--:|",
        *(f"| `{name}` | {1000 * seconds:.0f} |" for name, seconds in thawed.items()),
        (
            "\nFirst answers are from the question to the rows of all tests; snapshot and events"
            " after it are read from SQLite, in a replica that has never seen the project.\n"
        ),
        "| first answer of a cold project | events after the snapshot | p50, s | p99, s |",
        "|---|--:|--:|--:|",
        *_cold_rows(answers),
    ]
    return "\n".join(rows) + "\n"


def _cold_rows(answers: Sequence[Cold]) -> list[str]:
    names = ("from a new snapshot", "from one as old as it gets")
    return [
        f"| {name} | {one.news} | {one.quantile(0.5):.2f} | {one.quantile(0.99):.2f} |"
        for name, one in zip(names, answers, strict=True)
    ]
