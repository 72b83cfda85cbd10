import math

import pytest

from features.build_state import BuildState
from features.facts import BuildFacts, RecentDurations, Tally
from models import sentences
from models.precautions import precautions
from models.sentences import Reason, duration_reasons, failure_reasons

NOTHING = BuildFacts(
    project=Tally(),
    pipeline=Tally(),
    author=Tally(),
    branch=Tally(),
    branch_failed=(),
    commit=Tally(),
    touches_dependencies=None,
    with_dependencies=Tally(),
    without_dependencies=Tally(),
    file_types=Tally(),
    areas=(),
    pipeline_durations=RecentDurations(),
    kin_durations=RecentDurations(),
)


def facts(**known):
    names = NOTHING.__dataclass_fields__
    return BuildFacts(**{**{name: getattr(NOTHING, name) for name in names}, **known})


def tally(failures, builds):
    return Tally(builds=builds, failures=failures)


LOCK = {
    "touches_dependencies": True,
    "with_dependencies": tally(41, 100),
    "without_dependencies": tally(19, 100),
}


@pytest.mark.parametrize(
    ("factor", "effect", "known", "said"),
    [
        (
            "branch_outcomes",
            0.2,
            {"branch_failed": (True, False, True, True, False)},
            "this branch failed 3 of its last 5 builds",
        ),
        (
            "branch_outcomes",
            -0.2,
            {"branch_failed": (False,) * 5},
            "this branch failed 0 of its last 5 builds",
        ),
        (
            "branch_outcomes",
            -0.2,
            {"branch_failed": (True,) * 5},
            "lower risk: how this branch's builds ended",
        ),
        ("branch_outcomes", 0.2, {}, "higher risk: how this branch's builds ended"),
        (
            "author_outcomes",
            0.2,
            {"author": tally(4, 10), "project": tally(20, 200)},
            "this author's changes failed 4 of 10 builds (40 %, 10 % in the project)",
        ),
        (
            "author_outcomes",
            0.2,
            {"author": tally(0, 10), "project": tally(20, 200)},
            "higher risk: how this author's builds ended",
        ),
        (
            "dependencies",
            0.1,
            LOCK,
            (
                "dependency files touched: builds that touch them fail 2.2 times as often here "
                "(41 % against 19 %)"
            ),
        ),
        (
            "dependencies",
            0.1,
            {**LOCK, "without_dependencies": tally(0, 50)},
            "dependency files touched: only builds that touch them failed here (41 % against 0 %)",
        ),
        (
            "dependencies",
            0.1,
            {**LOCK, "with_dependencies": tally(2, 4)},
            "higher risk: what the change does to dependency, CI and build files",
        ),
        (
            "dependencies",
            0.1,
            {**LOCK, "touches_dependencies": None},
            "higher risk: what the change does to dependency, CI and build files",
        ),
        (
            "path_outcomes",
            0.1,
            {"areas": (("cart", tally(5, 10)),), "project": tally(20, 200)},
            "builds that touch cart/ fail 50 % of the time (5 of 10)",
        ),
        (
            "path_outcomes",
            -0.1,
            {"areas": (("", tally(1, 50)),), "project": tally(20, 200)},
            "builds that touch the top folder fail only 2 % of the time (1 of 50)",
        ),
        ("commit", 0.1, {"commit": tally(1, 1)}, "this commit failed 1 of 1 build before"),
        ("never_heard_of", 0.1, {}, "higher risk: never heard of"),
    ],
)
def test_a_failure_reason(factor, effect, known, said):
    """
    A reason quotes history where history agrees with it, and only names the factor otherwise.
    """
    assert failure_reasons({factor: effect}, facts(**known)) == [
        Reason(factor=factor, text=said, effect=effect)
    ]


@pytest.mark.parametrize(
    ("factor", "effect", "known", "said"),
    [
        (
            "pipeline_durations",
            60.0,
            {"pipeline_durations": RecentDurations(builds=15, last_s=320.0, median_s=300.0)},
            "the last 15 builds of this pipeline took 5 min at the median, the newest 5 min 20 s",
        ),
        (
            "kin_durations",
            -60.0,
            {"kin_durations": RecentDurations(builds=1, last_s=42.0, median_s=42.0)},
            "builds like this one (same trigger, kind of branch and file types) last took 42 s",
        ),
        (
            "load",
            -5.0,
            {},
            "shorter: how many builds are running and how closely they follow each other",
        ),
    ],
)
def test_a_duration_reason(factor, effect, known, said):
    """
    A reason for a duration quotes the durations of such builds in words.
    """
    (reason,) = duration_reasons({factor: effect}, facts(**known))

    assert reason.text.startswith(said)
    assert reason.effect == effect


def test_the_strongest_come_first_and_small_ones_not_at_all():
    """
    Reasons are ranked by the size of their effect, whatever its sign, and none is repeated.
    """
    effects = {"load": 0.05, "team": -0.3, "message": 0.001, "branch": 0.1}

    assert [r.factor for r in failure_reasons(effects, NOTHING)] == ["team", "branch", "load"]
    assert len(failure_reasons(effects, NOTHING, most=2)) == 2


def test_the_same_sentence_is_not_said_twice():
    """
    Two groups that would say the same thing say it once.
    """
    known = facts(kin_durations=RecentDurations(builds=9, last_s=60.0, median_s=60.0))

    assert len(duration_reasons({"kin_durations": 9.0, "similar_durations": 8.0}, known)) == 1


def test_every_group_has_words():
    """
    No group of features goes by its name in code.
    """
    assert set(BuildState.groups) <= set(sentences._LABELS)


def test_nothing_known_gives_no_nan():
    """
    Sentences about an empty history hold no NaN.
    """
    for factor in BuildState.groups:
        for reason in (
            *failure_reasons({factor: 0.5}, NOTHING),
            *duration_reasons({factor: -50.0}, NOTHING),
        ):
            assert "nan" not in reason.text
    assert math.isnan(NOTHING.project.failure_rate)


@pytest.mark.parametrize(
    ("factor", "known", "level", "said"),
    [
        ("branch_outcomes", {"branch_failed": (True, False)}, "high", "last build of this branch"),
        ("branch_outcomes", {"branch_failed": (False, True)}, "high", None),
        ("dependencies", LOCK, "medium", "clean checkout"),
        ("path_outcomes", {"areas": (("cart", tally(5, 10)),)}, "high", "Run the tests of cart/"),
        ("path_outcomes", {}, "high", None),
        ("change_size", {}, "high", "Split the change"),
        ("change_size", {}, "low", None),
        ("change_size", {}, "unknown", None),
        ("hour", {}, "high", None),
    ],
)
def test_advice_follows_from_reasons(factor, known, level, said):
    """
    Advice is given for a risk that is not low, and only where something can be done.
    """
    advice = precautions(
        [Reason(factor=factor, text="...", effect=0.2)], facts(**known), risk_level=level
    )

    assert (said in advice[0]) if said else advice == []


def test_what_lowers_the_risk_needs_no_advice():
    """
    A factor that lowers the risk is left alone.
    """
    reason = Reason(factor="change_size", text="...", effect=-0.2)

    assert precautions([reason], NOTHING, risk_level="high") == []
