"""What serving is to reach, and whether it did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.serving.figures import Condition, Figures, at, usual
from benchmarks.serving.plan import SELECTIONS, Endpoint, Point
from benchmarks.serving.variants import DEPLOYMENTS

OURS, DEFAULTS, FASTAPI = "ours", "defaults", "fastapi"
ALONE, BUSY = 1, 32
"""Clients at once."""
ONE_MODEL = (Endpoint.DURATION, Endpoint.FAILURE)
_CPU_OF = {FASTAPI: 0.75, "mlflow": 0.3, "bentoml": 0.3}
_MB = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal.

    Attributes:
        what: What is measured.
        limit: What it is to keep.
        most: Whether *limit* is the most it may be; else it is the least.
        measured: `None` if it was not measured.
    """

    what: str
    limit: float
    most: bool = True
    measured: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether it is reached, `None` if that is not known.

        Example:
            >>> Goal(what="a", limit=2.0, measured=1.5).reached, Goal(what="b", limit=2.0).reached
            (True, None)
        """
        if self.measured is None:
            return None
        return self.measured <= self.limit if self.most else self.measured >= self.limit


def goals(
    figures: Mapping[Point, Figures],
    conditions: Sequence[Condition],
    *,
    empty_start_s: Sequence[float],
    parse_us: float | None,
) -> list[Goal]:
    """Return all goals with what was measured of them.

    Args:
        figures: Of all servers.
        conditions: One a server and repetition.
        empty_start_s: Seconds to the first answer of an empty application.
        parse_us: CPU time of parsing the recorded JUnit file alone, in microseconds.
    """
    ours = [one for one in conditions if one.server == OURS]
    return [
        *_one_model(figures),
        *_all_three(figures),
        *_selections(figures),
        _recording(figures, parse_us),
        Goal(what="memory (USS) of ingress and models, MB", limit=450, measured=_uss_mb(ours)),
        Goal(what="deployments with torch in memory", limit=0, measured=_with_torch(ours)),
        Goal(
            what="first healthy answer / bare `serve run` of an empty application",
            limit=2.0,
            measured=_ratio(usual([one.start_s for one in ours]), usual(empty_start_s)),
        ),
    ]


def _one_model(figures: Mapping[Point, Figures]) -> list[Goal]:
    found = []
    for endpoint in ONE_MODEL:
        ours = _cpu(figures, OURS, endpoint)
        for peer, limit in _CPU_OF.items():
            what = f"{endpoint}: CPU a request / {peer}'s, {BUSY} clients"
            measured = _ratio(ours, _cpu(figures, peer, endpoint))
            found.append(Goal(what=what, limit=limit, measured=measured))
        alone = _ratio(_p50(figures, OURS, endpoint), _p50(figures, FASTAPI, endpoint))
        what = f"{endpoint}: p50 / {FASTAPI}'s, {ALONE} client"
        found.append(Goal(what=what, limit=4.0, measured=alone))
    return found


def _all_three(figures: Mapping[Point, Figures]) -> list[Goal]:
    rates = [_rate(figures, server, Endpoint.ASSESS) for server in (OURS, DEFAULTS)]
    one = [_p50(figures, OURS, endpoint) for endpoint in ONE_MODEL]
    known = [value for value in one if value is not None]
    return [
        Goal(
            what=f"assess: requests/s / those of Serve's defaults, {BUSY} clients",
            limit=10.0,
            most=False,
            measured=_ratio(*rates),
        ),
        Goal(
            what=f"assess: p50 / one model's, {ALONE} client",
            limit=1.7,
            measured=_ratio(_p50(figures, OURS, Endpoint.ASSESS), max(known, default=None)),
        ),
    ]


def _selections(figures: Mapping[Point, Figures]) -> list[Goal]:
    few, many = SELECTIONS
    return [
        Goal(
            what=f"{few}: p50 / that of Serve's defaults, {ALONE} client",
            limit=0.25,
            measured=_ratio(_p50(figures, OURS, few), _p50(figures, DEFAULTS, few)),
        ),
        Goal(
            what=f"{many}: CPU a request / {few}'s, {BUSY} clients",
            limit=8.0,
            measured=_ratio(_cpu(figures, OURS, many), _cpu(figures, OURS, few)),
        ),
    ]


def _recording(figures: Mapping[Point, Figures], parse_us: float | None) -> Goal:
    return Goal(
        what=f"record: CPU a request / parsing the file alone, {BUSY} clients",
        limit=3.0,
        measured=_ratio(_cpu(figures, OURS, Endpoint.RECORD), parse_us),
    )


def _uss_mb(ours: Sequence[Condition]) -> float | None:
    return usual([sum(one.uss.get(name, 0) for name in DEPLOYMENTS) / _MB for one in ours])


def _with_torch(ours: Sequence[Condition]) -> float | None:
    if not ours:
        return None
    return float(len({part for one in ours for part in one.torch}.intersection(DEPLOYMENTS)))


def _cpu(figures: Mapping[Point, Figures], server: str, endpoint: Endpoint) -> float | None:
    found = at(figures, server, endpoint, BUSY)
    return None if found is None else found.cpu_us.middle


def _rate(figures: Mapping[Point, Figures], server: str, endpoint: Endpoint) -> float | None:
    found = at(figures, server, endpoint, BUSY)
    return None if found is None else found.rate.middle


def _p50(figures: Mapping[Point, Figures], server: str, endpoint: Endpoint) -> float | None:
    found = at(figures, server, endpoint, ALONE)
    return None if found is None else found.p50_ms.middle


def _ratio(one: float | None, other: float | None) -> float | None:
    if one is None or not other or not math.isfinite(one):
        return None
    return one / other
