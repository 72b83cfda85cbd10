"""Where a version is weak, said in sentences with their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from models.gate import POLICIES
from models.manifest import Manifest
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE
from models.scorecard import NOISE_BELOW, Scorecard

ENOUGH_ROWS = 50
COVERED = (0.7, 0.9)
"""Of an 80 % interval; outside of it a project with enough rows is named."""
MOST_ERROR = 0.1
"""Expected calibration error beyond which a project's probabilities are called off."""
_NAMED = 5
_OF_KIND = {
    BUILD_OPTIMIZER: (
        "It speaks of builds that pass; a build that fails ends early.",
        "Time spent waiting for a runner is no part of a duration.",
    ),
    FAILURE_PREDICTOR: (
        "It says how often builds like this one failed; a reason need not be the cause.",
    ),
    TEST_INTELLIGENCE: (
        "Of a test that never ran it knows how often first runs failed here, and nothing else.",
        "A test that never failed can still fail: a subset has a miss rate, never none.",
    ),
}


def limits(card: Scorecard, manifest: Manifest) -> tuple[str, ...]:
    """Return the known limits of a version, the gravest first."""
    return (
        *_against_rules(card),
        *_few_rows(card),
        *_off_projects(card),
        *_thin_history(manifest),
        *_OF_KIND.get(card.model, ()),
    )


def _against_rules(card: Scorecard) -> Iterator[str]:
    rule = POLICIES[card.model].main
    value = card.value(rule.metric)
    for name in sorted(card.baselines):
        other = card.baseline(name, rule.metric)
        if rule.loss(value, other) > 0:
            yield (
                f"The simple rule {name} is better on the scored builds: "
                f"{rule.metric} {other:.4g} against {value:.4g}."
            )


def _few_rows(card: Scorecard) -> Iterator[str]:
    if card.noisy:
        yield (
            f"Only {card.positives} of {card.measured_on.rows} scored rows failed, "
            f"and {NOISE_BELOW} are needed: its figures are mostly noise."
        )
    few = [name for name, rows in card.rows_per_project.items() if rows < ENOUGH_ROWS]
    if few:
        yield (
            f"{len(few)} of {len(card.rows_per_project)} scored projects have fewer than "
            f"{ENOUGH_ROWS} scored rows; what is said of them one by one is noise."
        )


def _off_projects(card: Scorecard) -> Iterator[str]:
    low, high = COVERED
    yield from _named(card, "coverage", lambda value: not low <= value <= high, "80 % intervals")
    yield from _named(card, "ece", lambda value: value > MOST_ERROR, "Probabilities")


def _named(card: Scorecard, metric: str, off: Callable[[float], bool], what: str) -> Iterator[str]:
    found = {
        project: value
        for project, metrics in card.per_project.items()
        if (value := metrics.get(metric)) is not None
        and card.rows_per_project.get(project, 0) >= ENOUGH_ROWS
        and off(value)
    }
    if found:
        names = sorted(found)[:_NAMED]
        shown = ", ".join(f"{name} ({metric} {found[name]:.2f})" for name in names)
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        yield f"{what} are off in {shown}{more}."


def _thin_history(manifest: Manifest) -> Iterator[str]:
    needed = manifest.number("min_history", 0.0)
    if needed:
        yield (
            f"It abstains in a project with fewer than {needed:.0f} builds, "
            "and says what is usual there instead."
        )
