"""What an ingress says of the questions that it has put to models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from deployments.metrics import Instruments
from models.names import in_code


class Asking(Protocol):
    """The part of `RemotePredictions` that is shown."""

    def waiting(self) -> Mapping[str, int]:
        """Return how many questions to each deployment wait for a call."""

    def under_way(self) -> Mapping[str, int]:
        """Return how many questions to each deployment wait or are being answered."""


class QuestionMetrics:
    """Shows how many questions wait, and how many have been sent and not been answered.

    Serve counts calls, of which one carries many questions: a queue before a model is here.

    Args:
        instruments: Where the numbers go.
    """

    def __init__(self, instruments: Instruments) -> None:
        self._questions = instruments.Gauge(
            "devmind_questions_under_way",
            "Questions of an ingress to a model that wait for a call, or are being answered.",
            ("model", "state"),
        )

    def show(self, asking: Asking) -> None:
        """Say how many there are now; what is not said again and again is forgotten."""
        waiting = asking.waiting()
        for deployment, count in asking.under_way().items():
            model, waits = in_code(deployment), waiting[deployment]
            self._questions.set(waits, {"model": model, "state": "waiting"})
            self._questions.set(count - waits, {"model": model, "state": "asked"})
