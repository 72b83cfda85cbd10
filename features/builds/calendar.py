"""When in the day and the week a build is queued."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC
from typing import ClassVar

from features.context import Context
from features.feature import Feature, KnownAt

_DAY_HOURS = 24
_WEEK_DAYS = 7
_SATURDAY = 5


class Calendar(Feature):
    """Hour and weekday, as numbers and as points on a circle.

    Shape:  7 columns.
    Unit:   hours (with minutes) from midnight UTC, days from Monday.
    Source: `QueuedBuild.queued_at`.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (
        "hour",
        "hour_sin",
        "hour_cos",
        "weekday",
        "weekday_sin",
        "weekday_cos",
        "weekend",
    )
    group = "time_of_day"

    def read(self, context: Context) -> Sequence[float]:
        """Return the time's place in the day and the week."""
        at = context.build.queued_at.astimezone(UTC)
        hour, weekday = at.hour + at.minute / 60, at.weekday()
        turn, week = math.tau * hour / _DAY_HOURS, math.tau * weekday / _WEEK_DAYS
        return (
            hour,
            math.sin(turn),
            math.cos(turn),
            float(weekday),
            math.sin(week),
            math.cos(week),
            float(weekday >= _SATURDAY),
        )
