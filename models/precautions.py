"""What to do about a build that is likely to fail: advice that follows from its reasons."""

from __future__ import annotations

from collections.abc import Sequence

from features.facts import BuildFacts
from models.phrases import spoken_share
from models.sentences import NEEDED, Reason


def precautions(reasons: Sequence[Reason], facts: BuildFacts, *, risk_level: str) -> list[str]:
    """Return what to do before the build runs, the most pressing first; nothing for a low risk.

    Args:
        reasons: Why it is likely to fail, the strongest first.
        facts: Of this build.
        risk_level: `low`, `medium` or `high`.
    """
    if risk_level not in ("medium", "high"):
        return []
    raising = [reason.factor for reason in reasons if reason.effect > 0]
    said = (_precaution(factor, facts) for factor in raising)
    return list(dict.fromkeys(text for text in said if text))


def _precaution(factor: str, facts: BuildFacts) -> str:
    if factor == "branch_outcomes" and facts.branch_failed[:1] == (True,):
        return "The last build of this branch failed: make sure that this change mends it."
    if factor == "commit" and facts.commit.failures:
        return "This commit has failed before: run it again only if you expect another result."
    if factor == "dependencies" and facts.touches_dependencies:
        return "Build from a clean checkout first, or send the dependency change on its own."
    if factor == "path_outcomes":
        return _of_areas(facts)
    return _BY_FACTOR.get(factor, "")


def _of_areas(facts: BuildFacts) -> str:
    for area, tally in facts.areas:
        if tally.builds >= NEEDED and tally.failures:
            where = f"{area}/" if area else "the top folder"
            share = spoken_share(tally.failure_rate)
            return f"Run the tests of {where} first: builds that touch it fail {share} of the time."
    return ""


_BY_FACTOR = {
    "change_size": "Split the change if it can be split: its size raises the risk.",
    "change_spread": "Split the change by folder, so that a failure points to its cause.",
    "project_outcomes": "Other builds of this project have been failing: check the main branch.",
    "pipeline_outcomes": "This pipeline has been failing: check its last failures first.",
    "test_reports": "The last test report had failing tests: see whether they still fail.",
}
