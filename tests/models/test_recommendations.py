import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.pipelines import PipelineFacts, Waste
from features.steps import StepFacts
from models.recommendations import recommend

NONE = Waste(builds=0, seconds=0.0, examples=())


def pipeline(usual_s=600.0, **more):
    wastes = {"superseded": NONE, "superseded_on_main": NONE, "docs_only": NONE, "reruns": NONE}
    return PipelineFacts(
        **{"builds": 100, "days": 30.0, "seconds": 100 * usual_s, **wastes, **more}
    )


def step(name, recent_s, *, job="build", older_s=None, **more):
    return StepFacts(
        job=job,
        step=name,
        ewma_s=recent_s,
        recent_median_s=recent_s,
        older_median_s=older_s,
        job_share=1.0,
        last_share=more.get("last_share", 1.0),
        seen=more.get("seen", 20),
        examples=("b3", "b2", "b1"),
    )


@pytest.mark.parametrize(
    ("facts", "kind", "saves_s"),
    [
        (step("npm ci", 70.0), "uncached_dependencies", 60.0),
        (step("Install dependencies", 70.0), "uncached_dependencies", 60.0),
        (step("pip install -r requirements.txt", 40.0), "uncached_dependencies", 30.0),
        (step("Run tests", 300.0), "shard_tests", 240.0),
        (step("Compile", 300.0, older_s=200.0), "slower_step", 100.0),
    ],
)
def test_a_step_is_worth_its_seconds(facts, kind, saves_s):
    """
    A slow step gets advice of its kind, the seconds it would save, and the builds that show it.
    """
    (advice,) = recommend([step("", 600.0), facts], pipeline())

    assert (advice.kind, advice.saves_s) == (kind, pytest.approx(saves_s))
    assert advice.evidence == ("b3", "b2", "b1")
    assert facts.step in advice.description


@pytest.mark.parametrize(
    "facts",
    [
        step("Compile", 300.0),
        step("Compile", 210.0, older_s=200.0),
        step("npm ci", 12.0),
        step("npm ci", 300.0, seen=2),
        step("Run tests", 100.0),
        step("Run tests", 300.0, job="unknown"),
        step("Contest upload", 300.0),
    ],
)
def test_nothing_is_said_without_evidence(facts):
    """
    A step that is quick, seen rarely, or slow for no reason that shows gets no advice.
    """
    assert recommend([step("", 600.0), facts], pipeline()) == []


def test_a_cached_job_is_not_told_to_cache():
    """
    A job with a cache step installs for another reason.
    """
    steps = [step("", 600.0), step("npm ci", 100.0), step("Restore cache", 3.0)]

    assert recommend(steps, pipeline()) == []


def test_a_job_nobody_waits_for_saves_nothing():
    """
    Seconds count only in builds in which the job ends last.
    """
    steps = [step("", 600.0, last_share=0.25), step("Run tests", 300.0, last_share=0.25)]

    (advice,) = recommend(steps, pipeline())

    assert advice.saves_s == pytest.approx(60.0)


@pytest.mark.parametrize(("usual_s", "saves_s"), [(310.0, 10.0), (590.0, 240.0)])
def test_another_job_may_be_nearly_as_long(usual_s, saves_s):
    """
    Where jobs run side by side, a saving ends where the next longest job begins to be last.
    """
    steps = [
        step("", 300.0, job="test"),
        step("", 290.0, job="lint", last_share=0.0),
        step("Run tests", 300.0, job="test"),
    ]

    (advice,) = recommend(steps, pipeline(usual_s))

    assert advice.saves_s == pytest.approx(saves_s)


@pytest.mark.parametrize(
    ("field", "kind"),
    [("superseded", "superseded_builds"), ("docs_only", "path_filter"), ("reruns", "reruns")],
)
def test_builds_that_need_not_have_run(field, kind):
    """
    Superseded, documentation-only and repeated builds are counted with their seconds.
    """
    waste = Waste(builds=20, seconds=6000.0, examples=("b9",))

    (advice,) = recommend([], pipeline(**{field: waste}))

    assert (advice.kind, advice.saves_s, advice.evidence) == (kind, 60.0, ("b9",))
    assert advice.description.startswith("20 of the last 100 builds (20 %)")


def test_the_main_branch_may_want_every_build():
    """
    Superseded builds of the main branch are not called waste.
    """
    waste = Waste(builds=20, seconds=6000.0, examples=("b9",))

    assert recommend([], pipeline(superseded_on_main=waste)) == []


def test_nothing_known_is_nothing_said():
    """
    A pipeline without builds gets no advice and no division by zero.
    """
    assert recommend([], pipeline(builds=0, seconds=0.0)) == []


names = st.sampled_from(["", "npm ci", "Run tests", "Compile", "cache", "pip install x"])
many_steps = st.lists(
    st.builds(
        step,
        names,
        st.floats(0, 5000),
        job=st.sampled_from("ab"),
        older_s=st.none() | st.floats(0, 5000),
        last_share=st.floats(0, 1),
    ),
    max_size=12,
)


@given(many_steps, st.floats(1, 5000))
def test_no_step_saves_more_than_its_job_takes(steps, usual_s):
    """
    No advice promises more seconds than the longest job has, and the largest comes first.
    """
    advice = recommend(steps, pipeline(usual_s))
    longest = max((each.ewma_s for each in steps if not each.step), default=0.0)

    assert all(0 < each.saves_s <= longest for each in advice)
    assert advice == sorted(advice, key=lambda each: -each.saves_s)
    assert all(each.impact in ("high", "medium", "low") for each in advice)
