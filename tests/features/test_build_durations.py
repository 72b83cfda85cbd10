import math

import pytest

from features.build_state import BuildState
from tests.factories import finished, queued, stored
from tests.features.asking import asked, fold

ASK = queued("ask", at_s=100_000)


def passed(*durations, **traits):
    """Builds that pass, an hour apart."""
    return [
        finished(queued(f"{traits}{i}", at_s=3_600 * i, **traits), duration_s=seconds)
        for i, seconds in enumerate(durations)
    ]


def test_last_durations_and_their_means():
    """
    Last, means and medians are those of the newest passed builds, lags in order.
    """
    builds = passed(800, 10, 20, 30, 40, 50, 60, 70)
    names = ("last_s", "mean3_s", "mean7_s", "median3_s", "median7_s", "lag2_s", "lag5_s")

    assert asked(builds, ASK, *(f"pipeline_{n}" for n in names)) == [70, 60, 40, 60, 40, 60, 30]


def test_smoothed_duration_is_geometric():
    """
    The smoothed duration halves the weight of the past every five builds, on a log scale.
    """
    alpha = 1 - 2 ** (-1 / 5)
    expected = math.exp((1 - alpha) * math.log(100) + alpha * math.log(400))

    assert [pytest.approx(expected, rel=1e-6)] == asked(passed(100, 400), ASK, "pipeline_ewma_s")


def test_a_failed_build_teaches_no_duration():
    """
    Builds that failed or were canceled ended early: their duration is not learned.
    """
    builds = passed(100)
    builds.append(finished(queued("f", at_s=9_000), status="failed", duration_s=5))
    builds.append(finished(queued("c", at_s=9_500), status="canceled", duration_s=5))

    assert asked(builds, ASK, "pipeline_last_s", "project_last_s") == [100, 100]


@pytest.mark.parametrize(
    ("of", "other"),
    [
        ("pipeline", {"pipeline": "docs.yml"}),
        ("branch", {"branch": "fix/x"}),
        ("branch_kind", {"branch": "fix/x"}),
        ("trigger", {"trigger": "schedule"}),
        ("author", {"author": "bob"}),
        ("file_types", {"files": ("README.md",)}),
        ("kin", {"files": ("README.md",)}),
    ],
)
def test_durations_are_kept_apart(of, other):
    """
    A build with another key does not touch the key's durations; the project sees both.
    """
    builds = passed(100, files=("a.py",)) + passed(1, 7, **({"files": ("a.py",)} | other))
    ask = queued("ask", at_s=100_000, files=("b.py",))

    assert asked(builds, ask, f"{of}_last_s", "project_last_s") == [100, 7]


def test_an_unfinished_build_has_no_duration():
    """
    A build still running when another one is queued tells it nothing.
    """
    slow = finished(queued("slow"), duration_s=600)
    ask = queued("ask", at_s=10)
    state = fold(BuildState(), stored([slow])[:1])

    assert math.isnan(state.read(ask)[state.names.index("pipeline_last_s")])


def test_similar_builds_shrink_back():
    """
    Two close builds and a coarse median mix by numbers: (2 close + 2 coarse) / 4, in logs.
    """
    coarse = passed(*[100] * 20, trigger="schedule", files=("x.md",))
    close = passed(400, 400, trigger="push", files=("a.py",))
    ask = queued("ask", at_s=100_000, trigger="push", files=("b.py",))
    names = ("similar_s", "similar_closest_s", "similar_builds", "similar_level")
    mixed, closest, builds, level = asked(coarse + close, ask, *names)

    # the pipeline's last nine are 100 s but for the two; each finer level halves the way to 400
    logs = math.log(100)
    for _ in range(3):
        logs = (2 * math.log(400) + 2 * logs) / 4
    assert pytest.approx(math.exp(logs), rel=1e-5) == mixed
    assert (pytest.approx(400), 2, 3) == (closest, builds, level)


def test_a_build_of_no_known_kin_falls_back_to_its_pipeline():
    """
    Where no finer group has been built, the estimate is the pipeline's median.
    """
    ask = queued("ask", at_s=100_000, trigger="schedule", branch="v1.2", files=("a.py",))
    names = ("similar_s", "similar_closest_s", "similar_builds", "similar_level")

    assert [pytest.approx(60), pytest.approx(60), 0, 0] == asked(passed(60, 60, 60), ask, *names)


def test_neighbours_are_weighted_by_likeness():
    """
    A build that touches half of the same things counts (1/2)^4, one of another kind nothing.
    """
    same = passed(100, files=("src/a.py",))
    half = passed(1_000, files=("src/a.py", "src/b.js", "x/c.py"))
    none = passed(7, files=("doc/a.md",))
    ask = queued("ask", at_s=100_000, files=("src/b.py",))
    seconds, weight = asked(same + half + none, ask, "neighbours_s", "neighbours_weight")

    logs = (math.log(100) + 0.5**4 * math.log(1_000)) / (1 + 0.5**4)
    assert (pytest.approx(math.exp(logs), rel=1e-6), pytest.approx(1.0625)) == (seconds, weight)
