"""Builds weighed by likeness, in columns, beside the same told build by build."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.build_state import BuildState
from features.builds import look_alikes, neighbours
from features.builds.durations import log_seconds
from features.context import context_of
from tests.factories import finished, queued, stored

FEW = st.sampled_from(["a", "b"])
MANY = st.integers(0, 400).map(str)
FILES = st.lists(st.sampled_from([f"{d}/x{e}" for d in "pqrs" for e in (".py", ".md", ".c")]))
BUILDS = st.lists(
    st.fixed_dictionaries(
        {
            "branch": MANY | FEW,
            "author": FEW | MANY,
            "trigger": FEW,
            "files": FILES,
            "failed": st.booleans(),
            "duration_s": st.integers(1, 900),
        }
    ),
    min_size=1,
    max_size=30,
)


def build(name, at_s, told):
    traits = {key: told[key] for key in ("branch", "author", "trigger")}
    return queued(name, at_s=at_s, files=tuple(dict.fromkeys(told["files"])), **traits)


def history(lives, times):
    """The same builds again and again, each time on branches of their own."""
    for number in range(len(lives) * times):
        told = dict(lives[number % len(lives)])
        if number % 3:
            told["branch"] = f"{told['branch']}/{number}"
        status = "failed" if told["failed"] else "passed"
        at_s = 3_600 * number
        yield told, finished(
            build(str(number), at_s, told), status=status, duration_s=told["duration_s"]
        )


@settings(deadline=None, max_examples=15)
@given(lives=BUILDS, asked=BUILDS, times=st.integers(1, 20), cut=st.floats(0, 1))
def test_columns_say_what_a_loop_over_builds_says(lives, asked, times, cut):
    """
    With more builds than are compared and more words than are kept, before and after a freeze.
    """
    told, ended = zip(*history(lives, times), strict=True)
    events = stored(ended)
    state = BuildState()
    for number, event in enumerate(events):
        if number == int(cut * len(events)):
            state = BuildState.thaw(state.freeze())
        state.update(event)

    for one in asked[:3]:
        context = context_of(build("ask", 3_600 * 10_000, one))
        row = dict(zip(BuildState.names, state.read(context.build).tolist(), strict=True))
        found = [
            row[name] for name in (*look_alikes.LookAlikes.names, *neighbours.Neighbours.names)
        ]
        plainly = (*alike(context, told[::-1]), *near(context, told[::-1]))
        assert found == pytest.approx(plainly, rel=1e-5, abs=1e-6, nan_ok=True)


def alike(context, builds):
    mine = context.traits
    failed = total = failed_all = every = 0.0
    for age, told in enumerate(builds[: look_alikes.WINDOW]):
        other = context_of(build("other", 0, told)).traits
        agree = 2.0 * (mine.branch == other.branch) + 2.0 * (mine.author == other.author)
        agree += (mine.trigger == other.trigger) + 0.5 * (mine.branch_kind == other.branch_kind)
        agree += 1.5 * jaccard(set(mine.extensions or ()), set(other.extensions or ()))
        say = 2 ** (-age / look_alikes.HALF_LIFE)
        weight = say * (agree / 7) ** 4
        total, every = total + weight, every + say
        failed += weight * told["failed"]
        failed_all += say * told["failed"]
    prior = look_alikes.PRIOR
    return ((failed + prior * failed_all / every) / (total + prior), total)


def near(context, builds):
    mine = touched(context.traits)
    if mine is None:
        return (math.nan,) * 3
    total = failed = passed = logs = 0.0
    others = [(context_of(build("other", 0, told)).traits, told) for told in builds]
    known = [(traits, told) for traits, told in others if touched(traits) is not None]
    for other, told in known[: neighbours.WINDOW]:
        weight = jaccard(mine, touched(other)) ** neighbours.SHARPNESS
        weight *= 1.0 if other.trigger == context.traits.trigger else neighbours.OTHER_TRIGGER
        total += weight
        failed += weight * told["failed"]
        passed += weight * (not told["failed"])
        logs += 0.0 if told["failed"] else weight * log_seconds(told["duration_s"])
    return (
        math.exp(logs / passed) if passed else math.nan,
        failed / total if total else math.nan,
        total,
    )


def touched(traits):
    if traits.extensions is None:
        return None
    return {*traits.extensions, *(f"{area}/" for area in traits.areas)}


def jaccard(one, other):
    return 1.0 if one == other else len(one & other) / len(one | other)
