"""Reasons in words: attributions of feature groups, said with the numbers that history holds.

A sentence with numbers is written only where the numbers agree with the direction of the effect;
otherwise the group is named and its direction said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from features.facts import BuildFacts, RecentDurations, Tally
from models.phrases import builds, spoken_duration, spoken_ratio, spoken_share

NEEDED = 3
"""Fewer builds than this are no evidence to quote."""
_NEEDED_TO_COMPARE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a prediction is what it is.

    Attributes:
        factor: The group of features.
        text: A sentence, lower case, without a full stop.
        effect: How far it moved the prediction from that of a typical build: probability, or
            seconds.
    """

    factor: str
    text: str
    effect: float


def failure_reasons(
    effects: Mapping[str, float], facts: BuildFacts, *, most: int = 5, least: float = 0.01
) -> list[Reason]:
    """Say why a build is more or less likely to fail than a typical one.

    Args:
        effects: Group -> probability it added, from `FailurePredictor.explain`.
        facts: Of this build.
        most: How many reasons at most.
        least: Effects smaller than this are not worth a sentence.
    """
    return _reasons(effects, facts, _FAILURE, ("higher risk", "lower risk"), most, least)


def duration_reasons(
    effects: Mapping[str, float], facts: BuildFacts, *, most: int = 5, least: float = 1.0
) -> list[Reason]:
    """Say why a build takes longer or shorter than a typical one.

    Args:
        effects: Group -> seconds it added, from `BuildOptimizer.explain`.
        facts: Of this build.
        most: How many reasons at most.
        least: Effects smaller than this are not worth a sentence.
    """
    return _reasons(effects, facts, _DURATION, ("longer", "shorter"), most, least)


Writer = Callable[[BuildFacts, float], str | None]
"""Facts and the effect to explain, to a sentence if the facts agree with its direction."""


def _reasons(  # noqa: PLR0913, PLR0917 - shared by the two public functions above
    effects: Mapping[str, float],
    facts: BuildFacts,
    writers: Mapping[str, Writer],
    words: tuple[str, str],
    most: int,
    least: float,
) -> list[Reason]:
    ranked = sorted(effects.items(), key=lambda item: (-abs(item[1]), item[0]))
    found: list[Reason] = []
    said: set[str] = set()
    for factor, effect in ranked:
        if len(found) == most or abs(effect) < least:
            break
        text = _text(factor, facts, writers, words, effect)
        if text not in said:
            said.add(text)
            found.append(Reason(factor=factor, text=text, effect=effect))
    return found


def _text(
    factor: str,
    facts: BuildFacts,
    writers: Mapping[str, Writer],
    words: tuple[str, str],
    effect: float,
) -> str:
    written = writers[factor](facts, effect) if factor in writers else None
    if written:
        return written
    label = _LABELS.get(factor, factor.replace("_", " "))
    return f"{words[effect <= 0]}: {label}"


def _branch(facts: BuildFacts, effect: float) -> str | None:
    outcomes = facts.branch_failed
    failures = sum(outcomes)
    if len(outcomes) < NEEDED or (failures > 0) != (effect > 0):
        return None
    return f"this branch failed {failures} of its last {len(outcomes)} builds"


def _rate(of: Callable[[BuildFacts], Tally], whose: str) -> Writer:
    def write(facts: BuildFacts, effect: float) -> str | None:
        here, usual = of(facts), facts.project
        if here.builds < NEEDED or (here.failure_rate > usual.failure_rate) != (effect > 0):
            return None
        shares = f"{spoken_share(here.failure_rate)}, {spoken_share(usual.failure_rate)}"
        return f"{whose} failed {here.failures} of {builds(here.builds)} ({shares} in the project)"

    return write


def _dependencies(facts: BuildFacts, effect: float) -> str | None:
    touched, others = facts.with_dependencies, facts.without_dependencies
    enough = min(touched.builds, others.builds) >= _NEEDED_TO_COMPARE
    if not (facts.touches_dependencies and effect > 0 and enough):
        return None
    if touched.failure_rate <= others.failure_rate:
        return None
    shares = f"{spoken_share(touched.failure_rate)} against {spoken_share(others.failure_rate)}"
    if not others.failures:
        return f"dependency files touched: only builds that touch them failed here ({shares})"
    ratio = spoken_ratio(touched.failure_rate / others.failure_rate)
    return f"dependency files touched: builds that touch them fail {ratio} here ({shares})"


def _areas(facts: BuildFacts, effect: float) -> str | None:
    known = [(area, tally) for area, tally in facts.areas if tally.builds >= NEEDED]
    if not known:
        return None
    area, tally = known[0]
    if (tally.failure_rate > facts.project.failure_rate) != (effect > 0):
        return None
    where = f"{area}/" if area else "the top folder"
    verb = "fail" if effect > 0 else "fail only"
    return (
        f"builds that touch {where} {verb} {spoken_share(tally.failure_rate)} of the time "
        f"({tally.failures} of {tally.builds})"
    )


def _commit(facts: BuildFacts, effect: float) -> str | None:
    if not facts.commit.builds or (facts.commit.failures > 0) != (effect > 0):
        return None
    return f"this commit failed {facts.commit.failures} of {builds(facts.commit.builds)} before"


def _took(of: Callable[[BuildFacts], RecentDurations], whose: str) -> Writer:
    def write(facts: BuildFacts, effect: float) -> str | None:
        del effect  # durations are facts, whichever way they move the prediction
        here = of(facts)
        if not here.builds or not isfinite(here.median_s):
            return None
        if here.builds < NEEDED:
            return f"{whose} last took {spoken_duration(here.last_s)}"
        return (
            f"the last {here.builds} {whose} took {spoken_duration(here.median_s)} at the median, "
            f"the newest {spoken_duration(here.last_s)}"
        )

    return write


_KIN = "builds like this one (same trigger, kind of branch and file types)"
_of_pipeline = _took(lambda facts: facts.pipeline_durations, "builds of this pipeline")
_of_kin = _took(lambda facts: facts.kin_durations, _KIN)

_FAILURE: dict[str, Writer] = {
    "branch_outcomes": _branch,
    "author_outcomes": _rate(lambda facts: facts.author, "this author's changes"),
    "pipeline_outcomes": _rate(lambda facts: facts.pipeline, "this pipeline"),
    "file_types_outcomes": _rate(lambda facts: facts.file_types, "changes to the same file types"),
    "path_outcomes": _areas,
    "dependencies": _dependencies,
    "commit": _commit,
}
_DURATION: dict[str, Writer] = {
    "pipeline_durations": _of_pipeline,
    "kin_durations": _of_kin,
    "similar_durations": _of_kin,
}
_LABELS = {
    "project_durations": "how long this project's builds took lately",
    "pipeline_durations": "how long this pipeline took lately",
    "branch_durations": "how long this branch's builds took",
    "branch_kind_durations": "how long builds of such branches took",
    "trigger_durations": "how long builds with this trigger took",
    "file_types_durations": "how long changes to the same file types took",
    "author_durations": "how long this author's builds took",
    "kin_durations": "how long builds like this one took",
    "similar_durations": "how long builds like this one took",
    "similar_changes": "what became of similar changes",
    "project_outcomes": "how this project's builds ended lately",
    "pipeline_outcomes": "how this pipeline's builds ended lately",
    "branch_outcomes": "how this branch's builds ended",
    "branch_kind_outcomes": "how builds of such branches ended",
    "trigger_outcomes": "how builds with this trigger ended",
    "file_types_outcomes": "how changes to the same file types ended",
    "author_outcomes": "how this author's builds ended",
    "path_outcomes": "what became of changes to the same files",
    "test_reports": "the share of failing tests in the last report",
    "change_size": "the size of the change",
    "change_kinds": "the mix of source, tests and documentation in the change",
    "dependencies": "what the change does to dependency, CI and build files",
    "change_spread": "how far the change is spread over folders",
    "file_types": "the types of the changed files",
    "message": "the wording of the commit message",
    "time_of_day": "the hour and the day of the week",
    "load": "how many builds are running and how closely they follow each other",
    "team": "how many people work on the project",
    "author_experience": "how often this author has built here",
    "branch": "the kind and the age of the branch",
    "trigger": "what triggered the build",
    "commit": "earlier builds of the same commit",
    "other": "everything else together",
}
