"""What a bundle says about itself: the contract between training and serving."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

import devmind

SCHEMA = 1


class TrainedRange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which examples a model has learned from.

    Attributes:
        first_queued_at: Queueing time of the oldest example.
        last_queued_at: Queueing time of the newest example, calibration included.
        projects: Projects with at least one example, sorted.
        rows: How many examples.
    """

    first_queued_at: datetime
    last_queued_at: datetime
    projects: tuple[str, ...]
    rows: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything about a bundle but its weights.

    Attributes:
        model: One of `models.names.MODELS`.
        features: Names of the columns of a row, in order.
        trained_on: The examples it learned from.
        learned_until: Project -> number of the newest event of its history that the weights or
            the calibration have seen; what came later is news to the model.
        code_version: What `code_version` said when it was trained.
        seed: The seed of everything random in training.
        config: The knobs it was trained with, JSON values.
        metrics: Measured on builds newer than `trained_on`.
        calibration: Numbers and lists of numbers that turn raw scores into honest ones.
        thresholds: Chosen on training data, by name (`medium`, `high`).
        groups: Group name -> feature names, for reasons.
        baseline: A typical row (medians), `None` where a feature was never known.
        files: File name -> SHA-256 in hex; filled in by `write_bundle`.
        created_at: When training ended, aware UTC.
        schema: Version of this structure.
    """

    model: str
    features: tuple[str, ...]
    trained_on: TrainedRange
    code_version: str
    seed: int
    created_at: datetime
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    metrics: dict[str, float | None] = msgspec.field(default_factory=dict)
    calibration: dict[str, float | tuple[float, ...]] = msgspec.field(default_factory=dict)
    thresholds: dict[str, float] = msgspec.field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    baseline: tuple[float | None, ...] = ()
    files: dict[str, str] = msgspec.field(default_factory=dict)
    learned_until: dict[str, int] = msgspec.field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def baseline_row(self) -> NDArray[np.float32]:
        """The typical row as float32 (k,), NaN where unknown; all NaN when none was stored."""
        values = self.baseline or (None,) * len(self.features)
        return np.array([np.nan if v is None else v for v in values], dtype=np.float32)

    def number(self, name: str, default: float | None = None) -> float:
        """Return a scalar of `calibration`.

        Raises:
            KeyError: If it is absent and there is no *default*.
        """
        value = self.calibration[name] if default is None else self.calibration.get(name, default)
        if isinstance(value, tuple):
            raise KeyError(name)
        return float(value)

    def array(self, name: str) -> NDArray[np.float64]:
        """Return a list of `calibration` as float64 (n,), empty when it is absent."""
        return np.atleast_1d(np.asarray(self.calibration.get(name, ()), dtype=np.float64))


def encode(manifest: Manifest) -> bytes:
    """Return *manifest* as indented JSON; NaN becomes `null`."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode(body: bytes) -> Manifest:
    """Return the manifest that `encode` wrote.

    Raises:
        msgspec.DecodeError: If *body* is not one (`ValidationError` is a subclass).
    """
    return msgspec.json.decode(body, type=Manifest)


def code_version(sources: Path) -> str:
    """Name the code that computes features: `devmind`'s version and a hash of *sources*.

    Args:
        sources: Folder of the `features` package.

    Returns:
        For example `0.1.0+f3a9c2d41b07`; equal sources give an equal name.
    """
    digest = sha256()
    for path in sorted(sources.rglob("*.py")):
        digest.update(path.relative_to(sources).as_posix().encode() + b"\0")
        digest.update(sha256(path.read_bytes()).digest())
    return f"{devmind.__version__}+{digest.hexdigest()[:12]}"
