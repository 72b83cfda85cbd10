"""What the service counts about itself, whoever keeps the numbers.

No label names a person or a machine. The figures of watching name projects, `PROJECTS` of them at
most; the others are `other`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from history.predicted import Prediction
from models.names import TEST_INTELLIGENCE
from models.watch import decode_outcome

LATENCY_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]
AGE_S = [0.1, 0.5, 1.0, 2.0, 5.0, 30.0, 300.0]
PROJECTS = 200
OTHER = "other"
FIGURES = {
    "error": ("devmind_rolling_error", "Mean absolute error, seconds."),
    "error_ratio": ("devmind_rolling_error_ratio", "Error over what the scorecard promised."),
    "coverage_ratio": ("devmind_rolling_coverage_ratio", "Builds within the 80 % interval."),
    "auc": ("devmind_rolling_auc", "Area under the ROC curve."),
    "brier": ("devmind_rolling_brier", "Mean squared error of probabilities."),
    "calibration_error": ("devmind_rolling_calibration_error", "Expected calibration error."),
    "recall_ratio": ("devmind_rolling_recall_ratio", "Failing tests that subsets had in."),
    "feature_drift": ("devmind_feature_drift_psi", "Population stability, worst feature."),
    "outcome_drift": ("devmind_outcome_drift_psi", "Population stability, outcomes."),
}
"""Rolling figures -> the gauge of each and what it says, over a project's newest builds."""
SHARES = [0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0]


class Counter(Protocol):
    """Something that only grows."""

    def inc(self, value: float = 1.0, tags: dict[str, str] | None = None) -> Any:
        """Add *value*."""


class Gauge(Protocol):
    """Something that goes up and down."""

    def set(self, value: float | None, tags: dict[str, str] | None = None) -> Any:
        """Replace the value."""


class Histogram(Protocol):
    """How often something lay within which bounds."""

    def observe(self, value: float, tags: dict[str, str] | None = None) -> Any:
        """Count *value*."""


class Instruments(Protocol):
    """Makes instruments; `ray.serve.metrics` is one."""

    def Counter(  # noqa: N802 - Ray's name
        self, name: str, description: str, tag_keys: tuple[str, ...]
    ) -> Counter:
        """Make a counter."""

    def Gauge(  # noqa: N802 - Ray's name
        self, name: str, description: str, tag_keys: tuple[str, ...]
    ) -> Gauge:
        """Make a gauge."""

    def Histogram(  # noqa: N802 - Ray's name
        self, name: str, description: str, boundaries: list[float], tag_keys: tuple[str, ...]
    ) -> Histogram:
        """Make a histogram."""


class Metrics:
    """The service's own instruments, made once per process.

    Args:
        instruments: Where the numbers go.
    """

    def __init__(self, instruments: Instruments) -> None:
        make = instruments
        self._recorded = make.Counter(
            "devmind_events_recorded_total", "Events that are durable.", ("kind", "repeated")
        )
        self._verdicts = make.Counter(
            "devmind_verdicts_recorded_total", "Test verdicts that are durable.", ()
        )
        self._predictions = make.Counter(
            "devmind_predictions_total", "Answers given.", ("model", "abstained")
        )
        self._latency = make.Histogram(
            "devmind_prediction_seconds", "Time to answer.", LATENCY_S, ("model",)
        )
        self._state_age = make.Histogram(
            "devmind_state_age_seconds", "Age of the state answered from.", AGE_S, ("model",)
        )
        self._selected = make.Histogram(
            "devmind_selected_share", "Share of the tests that was selected.", SHARES, ()
        )
        self._loaded = make.Gauge(
            "devmind_model_loaded", "Replicas that serve the version.", ("model", "version")
        )
        self._exact = make.Gauge(
            "devmind_exact_predictor",
            "1 if packed trees answer, 0 if the library does in their place.",
            ("model",),
        )
        self._load_failures = make.Counter(
            "devmind_model_load_failures_total", "Versions that could not be loaded.", ("model",)
        )
        self._stale = make.Counter(
            "devmind_stale_answers_total", "Answers given while the history was away.", ("model",)
        )

        self._watched = make.Counter(
            "devmind_watched_builds_total",
            "Finished builds whose prediction was compared with what came.",
            ("model", "project"),
        )
        self._escapes = make.Counter(
            "devmind_escapes_total", "Failing tests that a subset had left out.", ("project",)
        )
        self._forgotten = make.Counter(
            "devmind_predictions_forgotten_total",
            "Predictions that are not remembered.",
            ("model", "kind"),
        )
        self._shadow = make.Counter(
            "devmind_shadow_answers_total", "What the shadow did.", ("model", "state")
        )
        self._figures = {
            figure: make.Gauge(name, description, ("model", "project"))
            for figure, (name, description) in FIGURES.items()
        }
        self._compared = make.Gauge(
            "devmind_shadow_builds", "Builds on which a shadow was compared.", ("model", "version")
        )
        self._named: set[str] = set()
        self._shown: set[tuple[str, str, str]] = set()

    def watched(self, prediction: Prediction) -> int:
        """Count a prediction whose outcome is known, and the failing tests it had left out.

        Returns:
            How many of these there were, for somebody who had asked.
        """
        if prediction.role != "champion" or prediction.outcome is None:
            return 0
        project = self.project(prediction.project)
        self._watched.inc(tags={"model": prediction.model, "project": project})
        if prediction.model != TEST_INTELLIGENCE or prediction.made_by != "service":
            return 0
        escaped = decode_outcome(prediction.outcome).escaped
        if escaped:
            self._escapes.inc(escaped, tags={"project": project})
        return escaped

    def forgotten(self, model: str, kind: str) -> None:
        """Count a prediction that could not be made, held or kept."""
        self._forgotten.inc(tags={"model": model, "kind": kind})

    def shadowed(self, model: str, state: str) -> None:
        """Count a question to the shadow: `answered`, `failed` or `dropped`."""
        self._shadow.inc(tags={"model": model, "state": state})

    def figures(self, model: str, project: str, found: Mapping[str, float]) -> None:
        """Show the rolling figures of a project; one that is absent is shown as NaN."""
        if self.project(project) == OTHER:
            return
        for figure, gauge in self._figures.items():
            shown = (model, project, figure)
            if figure in found or shown in self._shown:
                self._shown.add(shown)
                gauge.set(found.get(figure, float("nan")), {"model": model, "project": project})

    def compared(self, model: str, version: str, builds: int) -> None:
        """Say on how many builds a shadow has been compared."""
        self._compared.set(builds, tags={"model": model, "version": version})

    def project(self, name: str) -> str:
        """Return the label of a project: its name, or `other` when there are too many."""
        if name not in self._named and len(self._named) < PROJECTS:
            self._named.add(name)
        return name if name in self._named else OTHER

    def recorded(self, kind: str, *, repeated: bool) -> None:
        """Count a durable event."""
        self._recorded.inc(tags={"kind": kind, "repeated": str(repeated).lower()})

    def verdicts(self, count: int) -> None:
        """Count durable verdicts."""
        if count:
            self._verdicts.inc(count)

    def predicted(
        self, model: str, *, abstained: bool, seconds: float, state_age_s: float, stale: bool
    ) -> None:
        """Count an answer, its latency and the age of what it is based on."""
        self._predictions.inc(tags={"model": model, "abstained": str(abstained).lower()})
        self._latency.observe(seconds, tags={"model": model})
        self._state_age.observe(state_age_s, tags={"model": model})
        if stale:
            self._stale.inc(tags={"model": model})

    def selected(self, selected: int, of: int) -> None:
        """Count a selection by the share of tests in it."""
        if of:
            self._selected.observe(selected / of)

    def loaded(self, model: str, version: str) -> None:
        """Say which version this replica serves now."""
        self._loaded.set(1, tags={"model": model, "version": version})

    def unloaded(self, model: str, version: str) -> None:
        """Say which version this replica serves no longer."""
        self._loaded.set(0, tags={"model": model, "version": version})

    def exact(self, model: str, *, packed: bool) -> None:
        """Say whether this replica answers by packed trees, which are exact, or by the library."""
        self._exact.set(float(packed), tags={"model": model})

    def load_failed(self, model: str) -> None:
        """Count a version that could not be loaded."""
        self._load_failures.inc(tags={"model": model})
