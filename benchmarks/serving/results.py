"""All that a benchmark has found, and its JSON form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.serving.figures import Condition, Figures, Measured, summed_up, usual
from benchmarks.serving.goals import Goal, goals
from benchmarks.serving.plan import Point


@dataclass(slots=True, kw_only=True)
class Results:
    """What has been measured so far; it grows, and what it says follows from what is there.

    Attributes:
        made_on: The date.
        machine: What it was measured on.
        about: Server -> what it is.
        seconds: Of a point.
        repetitions: Asked for.
        runs: Every run of every point.
        conditions: One a server and repetition.
        empty_start_s: First answers of an empty application.
        parse_us: CPU times of parsing the recorded JUnit file alone, one a repetition.
        failures: What could not be measured, and why.
    """

    made_on: str
    machine: str
    about: Mapping[str, str]
    seconds: float
    repetitions: int
    runs: list[Measured] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    empty_start_s: list[float] = field(default_factory=list)
    parse_us: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[Point, Figures]:
        """The medians of each point, servers in the order of `about`."""
        order = {name: place for place, name in enumerate(self.about)}
        found = summed_up(self.runs)
        by_server = sorted(found, key=lambda p: (order.get(p.server, 99), p.concurrency))
        return {point: found[point] for point in by_server}

    @property
    def goals(self) -> Sequence[Goal]:
        """Every goal, with what is known of it."""
        return goals(
            self.figures,
            self.conditions,
            empty_start_s=self.empty_start_s,
            parse_us=usual(self.parse_us),
        )


def to_json(results: Results) -> str:
    """Return everything as JSON, for machines."""
    reached = [asdict(goal) | {"reached": goal.reached} for goal in results.goals]
    figures = [asdict(one) for one in results.figures.values()]
    fields = {name: value for name, value in asdict(results).items() if name != "runs"}
    runs = [asdict(run) for run in results.runs]
    return json.dumps({**fields, "goals": reached, "points": figures, "runs": runs}, indent=1)
