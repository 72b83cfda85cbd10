"""What the boosters of the build optimizer see: durations relative to the usual one.

A duration of history is told as the logarithm of its ratio to the recent level, and so is what is
predicted. Trees cannot follow a level that moves, nor carry what they learned of a project of
minutes to one of hours; a ratio needs neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationInputs:
    """Turns feature rows into what boosters see.

    Attributes:
        features: The columns of a row, in order.
        seen: Those that boosters see, in order.
        durations: Those of `seen` that are seconds of earlier builds.
        levels: Columns of seconds; the first known one is the row's usual duration. Without any,
            rows and targets are left as they are.
        usual_s: The usual duration where no such column is known.
    """

    features: tuple[str, ...]
    seen: tuple[str, ...]
    durations: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    usual_s: float = 0.0
    _seen: NDArray[np.intp] = field(init=False, repr=False, compare=False)
    _relative: NDArray[np.intp] = field(init=False, repr=False, compare=False)
    _levels: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        place = {name: i for i, name in enumerate(self.features)}
        relative = [self.seen.index(name) for name in self.durations]
        levels = tuple(place[name] for name in self.levels)
        object.__setattr__(self, "_seen", np.array([place[n] for n in self.seen], dtype=np.intp))
        object.__setattr__(self, "_relative", np.array(relative, dtype=np.intp))
        object.__setattr__(self, "_levels", levels)

    def level(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the usual duration of each of *rows* (n, k): log1p seconds (n,)."""
        usual = np.full(len(rows), np.nan)
        unknown = np.ones(len(rows), dtype=np.bool_)
        for place in self._levels:
            usual[unknown] = rows[unknown, place]
            unknown = np.isnan(usual)
            if not unknown.any():
                break
        usual[unknown] = self.usual_s if self.levels else 0.0
        return _log(usual)

    def encode(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return what boosters see of *rows* (n, k): float32 (n, len(seen)), NaN where unknown."""
        return self.encode_at(rows, self.level(rows))

    def encode_at(
        self, rows: NDArray[np.floating], level: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return what `encode` does, where the `level` of *rows* is known."""
        out = np.asarray(rows, dtype=np.float32).take(self._seen, axis=1)
        if len(self._relative):
            out[:, self._relative] = _log(out.take(self._relative, axis=1)) - level[:, None]
        return out

    def as_json(self) -> dict[str, Any]:
        """Return all but the features, which a manifest names anyway, as JSON values."""
        return {
            "seen": list(self.seen),
            "durations": list(self.durations),
            "levels": list(self.levels),
            "usual_s": self.usual_s,
        }

    @classmethod
    def from_json(cls, features: Sequence[str], json: Mapping[str, Any] | None) -> DurationInputs:
        """Return what `as_json` wrote; without *json*, boosters see all features as they are.

        Raises:
            ValueError: If *json* names other columns than *features*.
        """
        if json is None:
            return cls(features=tuple(features), seen=tuple(features))
        named = {name: tuple(json.get(name, ())) for name in ("seen", "durations", "levels")}
        seen = {*named["seen"]}
        unknown = (seen | {*named["levels"]}) - {*features} | {*named["durations"]} - seen
        if unknown:
            raise ValueError(f"inputs name unknown features {sorted(unknown)}")
        return cls(features=tuple(features), usual_s=float(json.get("usual_s", 0.0)), **named)


def _log(seconds: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.log1p(np.maximum(seconds, 0.0)))
