"""How often the gate promotes challengers that are equal, better or worse by known amounts.

`python -m benchmarks.gate_power` draws, over and over, what a champion and a challenger said of
the same held-out builds, asks the gate, and prints how often it promoted. Both share what is hard
about a build; the challenger's own noise differs. Durations are log-normal, a share of the builds
comes in slow spells, and projects differ in size.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.gate import POLICIES, Policy
from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR
from models.paired import RowScores, compare
from models.verdicts import surely_worse

RESULT = Path(__file__).parent / "results" / "gate_power.md"
REPEATS = 60
SIZES = (100, 500, 2_000)
EFFECTS = (-0.10, -0.03, 0.0, 0.03, 0.10)
PROJECTS = 100
SIGNAL, NOISE, NOISE_STEPS = 1.5, 0.6, 5.0
SLOW_SHARE = 0.1
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A kind of challenger.

    Attributes:
        model: Whose policy decides.
        builds: Held-out builds.
        projects: Over how many projects they are spread.
        worse_by: By which share the challenger's errors are larger; of failures, by which fifth
            of a share its logits are noisier.
    """

    model: str
    builds: int
    projects: int
    worse_by: float


def durations(case: Case, rng: np.random.Generator) -> tuple[RowScores, RowScores]:
    """Draw the errors of two duration models on the same builds."""
    project, sequence = _builds(case, rng)
    scale = 300 * np.exp(rng.normal(size=case.builds))
    slow = np.repeat(rng.random(case.builds // 10 + 1) < SLOW_SHARE, 10)[: case.builds]
    spell = 1 + 2 * slow
    shared = 0.2 * spell * np.abs(rng.normal(size=case.builds))

    def scored(factor: float) -> RowScores:
        own = np.abs(shared + 0.06 * rng.normal(size=case.builds)) * factor
        error = scale * own
        covered = own < np.quantile(shared, 0.8)
        values = {"mae_s": error, "pinball_s": error / 3}
        return RowScores(project=project, sequence=sequence, values=values, covered=covered)

    return scored(1.0), scored(1 + case.worse_by)


def failures(case: Case, rng: np.random.Generator) -> tuple[RowScores, RowScores]:
    """Draw the probabilities of two failure models on the same builds."""
    project, sequence = _builds(case, rng)
    signal = SIGNAL * rng.normal(size=case.builds)
    failed = rng.random(case.builds) < _sigmoid(signal - 1.5)

    def scored(noise: float) -> RowScores:
        said = signal + noise * rng.normal(size=case.builds)
        probability = _sigmoid(said / (1 + (noise / SIGNAL) ** 2) - 1.5)
        sure = np.clip(probability, 1e-6, 1 - 1e-6)
        values = {
            "brier": (probability - failed) ** 2,
            "log_loss": -np.log(np.where(failed, sure, 1 - sure)),
        }
        return RowScores(
            project=project,
            sequence=sequence,
            values=values,
            positive=failed,
            probability=probability,
        )

    return scored(NOISE), scored(NOISE * (1 + NOISE_STEPS * case.worse_by))


Draw = Callable[[Case, np.random.Generator], tuple[RowScores, RowScores]]
DRAWS: dict[str, Draw] = {BUILD_OPTIMIZER: durations, FAILURE_PREDICTOR: failures}


def promoted_share(case: Case, *, repeats: int, seed: int) -> float:
    """Return how often the gate lets challengers of *case* pass."""
    rng = np.random.default_rng([seed, case.builds, case.projects])
    policy: Policy = POLICIES[case.model]
    passed = 0
    for number in range(repeats):
        champion, challenger = DRAWS[case.model](case, rng)
        compared = compare(champion, challenger, policy.metrics, repeats=200, seed=number)
        passed += not list(surely_worse(compared, policy.rules))
    return passed / repeats


def table(repeats: int, seed: int) -> str:
    """Return the results as Markdown."""
    lines = [
        "# How often the gate lets a challenger pass",
        "",
        f"`python -m benchmarks.gate_power`: {repeats} simulated challengers a cell. A challenger",
        "is worse by a share of the champion's errors; of failures, the noise of its logits is",
        "larger by five times the share. The last row of a model: 60 builds",
        "a project, a sixth of the draws.",
        "",
        "| model | builds | projects | " + " | ".join(_named(e) for e in EFFECTS) + " |",
        "|---|--:|--:|" + "--:|" * len(EFFECTS),
    ]
    for model in DRAWS:
        for builds, projects in [*((size, 1) for size in SIZES), (PROJECTS * 60, PROJECTS)]:
            cells = [
                promoted_share(
                    Case(model=model, builds=builds, projects=projects, worse_by=effect),
                    repeats=repeats if projects == 1 else max(10, repeats // 6),
                    seed=seed,
                )
                for effect in EFFECTS
            ]
            shown = " | ".join(f"{cell:.0%}" for cell in cells)
            lines.append(f"| {model} | {builds:,} | {projects} | {shown} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines) + "\n"


def _named(effect: float) -> str:
    if effect == 0:
        return "equal"
    return f"{abs(effect):.0%} {'worse' if effect > 0 else 'better'}"


def _builds(case: Case, rng: np.random.Generator) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    number = np.sort(rng.permutation(case.builds) % case.projects)
    return (
        np.array([f"project-{n}" for n in number], dtype=object),
        np.arange(case.builds, dtype=np.int64),
    )


def _sigmoid(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-value)), dtype=np.float64)


def main() -> None:
    """Print the table and write it down."""
    text = table(REPEATS, seed=0)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
