"""Random histories of a project, as a history gives them back, in any order a service may see."""

from datetime import timedelta

from hypothesis import strategies as st

from devmind.ci import (
    BuildOutcome,
    BuildStatus,
    ChangedFile,
    FileChange,
    Job,
    Step,
    TestReport,
    TestRun,
    Verdict,
)
from devmind.events import Finished, Queued, Reported
from tests.factories import queued, store

PATHS = ("src/cart.py", "src/pay/card.py", "tests/test_cart.py", "README.md", "poetry.lock")
TESTS = tuple(f"tests/test_{area}.py::test_{n}" for area in ("cart", "card") for n in range(4))

files = st.lists(
    st.builds(
        ChangedFile,
        path=st.sampled_from(PATHS),
        lines_added=st.integers(0, 40),
        lines_deleted=st.integers(0, 40),
        kind=st.sampled_from(FileChange),
    ),
    max_size=4,
)

reports = st.builds(
    TestReport,
    name=st.sampled_from(("linux", "windows")),
    runs=st.lists(
        st.builds(
            TestRun,
            name=st.sampled_from(TESTS),
            verdict=st.sampled_from(Verdict),
            duration_s=st.floats(0, 100, width=32),
            attempt=st.integers(1, 2),
            file=st.just("tests/test_cart.py"),
        ),
        max_size=6,
    ).map(tuple),
)


@st.composite
def builds(draw, number):
    """One queued build."""
    return queued(
        str(number),
        at_s=draw(st.integers(0, 500_000)),
        pipeline=draw(st.sampled_from(("ci.yml", "docs.yml"))),
        trigger=draw(st.sampled_from(("push", "pull_request", "schedule"))),
        commit=draw(st.sampled_from(("", "c1", "c2"))),
        author=draw(st.sampled_from(("", "ada", "bob"))),
        branch=draw(st.sampled_from(("", "main", "fix/x", "dependabot/npm/y"))),
        pull_request=draw(st.sampled_from(("", "7"))),
        message=draw(st.sampled_from(("", "fix the cart", "Merge branch x"))),
        files=draw(files),
    )


@st.composite
def outcomes(draw, build):
    """An outcome of *build*, with a job and a step."""
    seconds = draw(st.integers(0, 90_000))
    status = draw(st.sampled_from(BuildStatus))
    end = build.queued_at + timedelta(seconds=seconds)
    span = {"started_at": build.queued_at, "finished_at": end, "status": status}
    jobs = (Job(name="unit", steps=(Step(name="pytest", **span),), **span),)
    return BuildOutcome(status=status, finished_at=end, jobs=draw(st.sampled_from(((), jobs))))


@st.composite
def told_events(draw, *, max_builds=8):
    """Events: each build queued first, then its reports and end, mixed in any order."""
    lives = []
    for number in range(draw(st.integers(1, max_builds))):
        build = draw(builds(number))
        life = [Queued(build=build)]
        told = draw(st.lists(reports, max_size=2))
        life += [Reported(build_id=build.build_id, report=report) for report in told]
        if draw(st.booleans()):
            end = Finished(build_id=build.build_id, outcome=draw(outcomes(build)))
            life.insert(draw(st.integers(1, len(life))), end)
        lives.append(life)
    turns = [number for number, life in enumerate(lives) for _ in life]
    order = draw(st.permutations(turns))
    return [lives[number].pop(0) for number in order]


def event_lists(*, max_builds=8):
    """Events as in `told_events`, as a history gives them back."""
    return told_events(max_builds=max_builds).map(store)
