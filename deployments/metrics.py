"""What the service counts about itself, whoever keeps the numbers.

No label names a project, a person or a machine: their number is unbounded, and who reads metrics
is not who may read history.
"""

from __future__ import annotations

from typing import Any, Protocol

LATENCY_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]
AGE_S = [0.1, 0.5, 1.0, 2.0, 5.0, 30.0, 300.0]
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
        self._load_failures = make.Counter(
            "devmind_model_load_failures_total", "Versions that could not be loaded.", ("model",)
        )
        self._stale = make.Counter(
            "devmind_stale_answers_total", "Answers given while the history was away.", ("model",)
        )

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

    def loaded(self, model: str, version: str, *, instead_of: str | None) -> None:
        """Say which version this replica serves now, and which no longer."""
        if instead_of is not None:
            self._loaded.set(0, tags={"model": model, "version": instead_of})
        self._loaded.set(1, tags={"model": model, "version": version})

    def load_failed(self, model: str) -> None:
        """Count a version that could not be loaded."""
        self._load_failures.inc(tags={"model": model})
