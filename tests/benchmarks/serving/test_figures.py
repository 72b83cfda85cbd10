import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.serving.figures import Condition, Measured, Median, summed_up
from benchmarks.serving.goals import DEPLOYMENTS, Goal
from benchmarks.serving.picture import draw
from benchmarks.serving.plan import Endpoint, Plan, Point
from benchmarks.serving.results import Results, to_json
from benchmarks.serving.tables import goal_table, markdown

MB = 1_000_000


def measured(server="ours", endpoint=Endpoint.DURATION, concurrency=32, **more):
    known = {"rate": 100.0, "p50_ms": 2.0, "p99_ms": 5.0, "cpu_us": {"ingress": 300.0}}
    point = Point(server=server, endpoint=endpoint, concurrency=concurrency)
    return Measured(point=point, requests=more.pop("requests", 300), errors=0, **known | more)


def results(runs=(), conditions=(), **more):
    about = {"ours": "our service", "defaults": "as it was", "fastapi": "plain"}
    return Results(
        made_on="2026-01-05",
        machine="2 cores",
        about=about,
        seconds=3.0,
        repetitions=3,
        runs=list(runs),
        conditions=list(conditions),
        **more,
    )


def found(some, start):
    return next(goal for goal in some.goals if goal.what.startswith(start))


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=9))
def test_a_median_lies_between_the_outermost(values):
    """
    A figure is the median of its repetitions, shown with the lowest and the highest.
    """
    median = Median.of(values)

    assert (median.low, median.high) == (min(values), max(values))
    assert median.middle == pytest.approx(np.median(values))


def test_repetitions_become_one_row():
    """
    CPU time is summed over the parts of a repetition before the median is taken.
    """
    parts = [{"ingress": 300.0, "ray": 10.0}, {"ingress": 200.0}, {"ingress": 250.0, "ray": 90.0}]
    (figures,) = summed_up([measured(cpu_us=cpu) for cpu in parts]).values()

    assert (figures.cpu_us.middle, figures.cpu_us.low, figures.cpu_us.high) == (310, 200, 340)
    assert figures.parts == {"ingress": 250.0, "ray": 10.0}
    assert figures.repetitions == 3
    assert not figures.few


def test_a_point_with_few_answers_says_so():
    """
    Where hardly every client was answered, the table marks the row.
    """
    some = results([measured(requests=40)])

    assert "40 (few)" in markdown(some)


@pytest.mark.parametrize(("ours", "reached"), [(300.0, True), (390.0, True), (450.0, False)])
def test_goals_are_ratios_of_medians(ours, reached):
    """
    The service is to take at most 0.75 of plain FastAPI's CPU time.
    """
    plain = measured("fastapi", cpu_us={"server": 520.0})
    goal = found(results([measured(cpu_us={"ingress": ours}), plain]), "duration: CPU")

    assert goal.measured == pytest.approx(ours / 520)
    assert goal.reached is reached


def test_a_goal_that_wants_more():
    """
    Of requests a second at least ten times those of Serve's defaults are wanted.
    """
    runs = [measured(s, Endpoint.ASSESS, rate=r) for s, r in (("ours", 900.0), ("defaults", 100.0))]
    goal = found(results(runs), "assess: requests")

    assert (goal.measured, goal.reached) == (9.0, False)


def test_memory_and_start_are_goals():
    """
    Memory is that of ingress and models, torch counts only there, a start is beside an empty one.
    """
    uss = dict.fromkeys(DEPLOYMENTS, 100 * MB) | {"history": 900 * MB}
    condition = Condition(server="ours", start_s=20.0, uss=uss, torch=("history",))
    some = results(conditions=[condition], empty_start_s=[10.0, 16.0])

    assert found(some, "memory").measured == 400
    assert found(some, "deployments with torch").reached
    assert found(some, "first healthy").measured == pytest.approx(20 / 13)


def test_nothing_measured_is_no_goal_reached():
    """
    With no figures every goal is told as not measured, and the report is still written.
    """
    some = results(failures=["ours, after 0 of 24 points: it ended"])

    assert {goal.reached for goal in some.goals} == {None}
    assert "not measured" in goal_table(some.goals)
    assert "it ended" in markdown(some)


def test_the_report_is_whole():
    """
    Everything measured is in the tables, in the JSON and in the picture's files.
    """
    runs = [measured(s, e, c) for s in ("ours", "fastapi") for e in Endpoint for c in (1, 32)]
    some = results(runs, parse_us=[9_000.0])

    told, text = json.loads(to_json(some)), markdown(some)

    assert len(told["points"]) == len(told["runs"]) == len(runs)
    assert {goal["what"] for goal in told["goals"]} == {goal.what for goal in some.goals}
    assert all(f"## {endpoint}" in text for endpoint in Endpoint)


def test_the_picture_is_drawn(tmp_path):
    """
    The picture shows every server by name.
    """
    runs = [measured(s, e, c) for s in ("ours", "fastapi") for e in Endpoint for c in (1, 32)]
    draw(summed_up(runs), [tmp_path / "p.svg", tmp_path / "p.png"])

    assert ">ours<" in (tmp_path / "p.svg").read_text()
    assert (tmp_path / "p.png").stat().st_size > 1_000


def test_a_plan_asks_for_what_a_server_offers():
    """
    A server is asked only what it has, at every number of clients.
    """
    plan = Plan(servers=("ours",), concurrencies=(1, 8))

    points = plan.points("mlflow", (Endpoint.DURATION,))

    assert [(p.endpoint, p.concurrency) for p in points] == [("duration", 1), ("duration", 8)]
    assert plan.seconds_of(Endpoint.SELECT_5000) > plan.seconds_of(Endpoint.DURATION)


def test_a_goal_at_its_limit_is_reached():
    """
    The limit itself is allowed, from both sides.
    """
    at_most = Goal(what="a", limit=2.0, measured=2.0)

    assert at_most.reached
    assert replace(at_most, most=False).reached
