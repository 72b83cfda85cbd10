"""What was said of a build and what came of it, in the form in which both are kept."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.names import BUILD_OPTIMIZER, FAILURE_PREDICTOR, TEST_INTELLIGENCE

MAX_BYTES = 512 * 1024
"""Longer bodies are not kept."""


class DurationSaid(msgspec.Struct, frozen=True, kw_only=True):
    """Quantiles of a duration, in seconds."""

    p10_s: float
    p50_s: float
    p90_s: float


class FailureSaid(msgspec.Struct, frozen=True, kw_only=True):
    """The probability that a build fails."""

    probability: float


class SelectionSaid(msgspec.Struct, frozen=True, kw_only=True):
    """Which tests were left out.

    Attributes:
        gaps: Numbers of the tests left out, ascending, each as its distance from the one before.
        total: How many tests there were.
        time_share: Share of the time of all tests that the subset takes.
        expected_recall: Share of the failing tests it was expected to catch; `None` if unknown.
    """

    gaps: tuple[int, ...]
    total: int
    time_share: float
    expected_recall: float | None = None

    @property
    def skipped(self) -> NDArray[np.int64]:
        """Numbers of the tests left out, ascending."""
        return np.cumsum(np.asarray(self.gaps, dtype=np.int64))


Said = DurationSaid | FailureSaid | SelectionSaid
_KINDS: dict[str, type[Said]] = {
    BUILD_OPTIMIZER: DurationSaid,
    FAILURE_PREDICTOR: FailureSaid,
    TEST_INTELLIGENCE: SelectionSaid,
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a build.

    Attributes:
        failed: Whether it failed; else it passed.
        duration_s: How long it took.
        failing: How many of its tests failed.
        escaped: How many of them the subset had left out.
    """

    failed: bool
    duration_s: float
    failing: int = 0
    escaped: int = 0


def left_out(numbers: Sequence[int] | NDArray[np.integer]) -> tuple[int, ...]:
    """Return numbers of tests as `SelectionSaid.gaps`.

    Example:
        >>> left_out([7, 3, 4])
        (3, 1, 3)
    """
    ordered = np.unique(np.asarray(numbers, dtype=np.int64))
    return tuple(np.diff(ordered, prepend=0).tolist())


def encode(said: Said) -> bytes:
    """Return what was said, as it is kept."""
    return msgspec.json.encode(said)


def decode(model: str, body: bytes) -> Said:
    """Return what *model* said.

    Raises:
        msgspec.DecodeError: If *body* is not what `encode` wrote.
    """
    return msgspec.json.decode(body, type=_KINDS[model])


def judged(
    model: str, body: bytes, *, failed: bool, duration_s: float, failing: NDArray[np.integer]
) -> bytes:
    """Return what came of a prediction, as it is kept.

    Args:
        model: Who said it.
        body: What it said.
        failed: Whether the build failed.
        duration_s: How long it took.
        failing: Numbers of its tests that failed.
    """
    said, escaped = decode(model, body), 0
    if isinstance(said, SelectionSaid):
        escaped = int(np.isin(failing, said.skipped).sum())
    came = Outcome(failed=failed, duration_s=duration_s, failing=len(failing), escaped=escaped)
    return msgspec.json.encode(came)


def decode_outcome(body: bytes) -> Outcome:
    """Return what came of a build.

    Raises:
        msgspec.DecodeError: If *body* is not what `judged` returned.
    """
    return msgspec.json.decode(body, type=Outcome)
