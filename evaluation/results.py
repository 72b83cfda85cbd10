"""What an evaluation found: predictions beside outcomes, one result a project.

Everything was predicted before its outcome was known. Arrays of a result have one row a build, in
order of queueing; tests of a build lie in a `RankedBuild`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Durations:
    """Predicted and actual durations of a project's builds that passed.

    Attributes:
        project: The project.
        queued_at: Epoch seconds (n,).
        actual_s: Seconds (n,).
        quantiles_s: p10, p50, p90 in seconds (n, 3), the running calibration applied.
        mean_s: The mean in seconds (n,), for squared errors.
        baselines_s: Simple rule -> predicted seconds (n,).
        age_builds: Builds since the model's refit (n,), where that is known.
    """

    project: str
    queued_at: Floats
    actual_s: Floats
    quantiles_s: Floats
    mean_s: Floats
    baselines_s: Mapping[str, Floats]
    age_builds: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Failures:
    """Predicted and actual failures of a project's builds.

    Attributes:
        project: The project.
        queued_at: Epoch seconds (n,).
        failed: Whether each failed (n,).
        probability: That it would (n,), the running correction applied.
        threshold: For F1, chosen on older builds.
        previous_failed: Whether the pipeline's newest finished build had failed: 1, 0, NaN (n,).
        baselines: Simple rule -> probability (n,).
        thresholds: Simple rule -> its threshold for F1, chosen on older builds.
    """

    project: str
    queued_at: Floats
    failed: Bools
    probability: Floats
    threshold: float
    previous_failed: Floats
    baselines: Mapping[str, Floats]
    thresholds: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankedBuild:
    """The tests of one build: what was said before, and what happened.

    Attributes:
        queued_at: Epoch seconds.
        failed: Whether each test failed (m,).
        probability: Said of each (m,), by which tests are ranked.
        cost_s: Seconds each took (m,).
        expected_s: Seconds each was expected to take (m,), NaN where unknown.
        baselines: Simple rule -> score (m,).
        selected: Target, such as `recall 0.95` -> whether each test was in the subset (m,).
        run_all: Target -> why everything ran; empty where a subset was chosen.
    """

    queued_at: float
    failed: Bools
    probability: Floats
    cost_s: Floats
    expected_s: Floats
    baselines: Mapping[str, Floats]
    selected: Mapping[str, Bools] = field(default_factory=dict)
    run_all: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rankings:
    """The ranked builds of a project, in order of queueing."""

    project: str
    builds: tuple[RankedBuild, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A number in print to stand beside ours.

    Attributes:
        rule: Whose it is, as it is called in the table.
        metric: As in the table.
        values: Project -> value; `""` for the mean over projects.
    """

    rule: str
    metric: str
    values: Mapping[str, float]
