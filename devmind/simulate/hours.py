"""When people work: weekdays in their own time zone, now and then at night or on a weekend."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from random import Random

from devmind.simulate.chance import happens
from devmind.simulate.truth import Author

_NIGHTLY = time(2, 30)
_FIRST_HOUR = 8
_LAST_HOUR = 18
_SATURDAY = 5
_OVERTIME_PROBABILITY = 0.04


def working_time(rng: Random, author: Author, at: datetime) -> datetime:
    """Return *at*, or the next morning at which *author* is at work.

    Args:
        rng: Decides about overtime and the minute of the morning.
        author: Whose hours count.
        at: The wish, in UTC.
    """
    offset = timedelta(hours=author.hours_east)
    local = at + offset
    if _works(local) or happens(rng, _OVERTIME_PROBABILITY):
        return at
    day = local if local.hour < _FIRST_HOUR else local + timedelta(days=1)
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    morning = datetime.combine(day.date(), time(_FIRST_HOUR), tzinfo=at.tzinfo)
    return morning + timedelta(seconds=rng.randint(0, 9000)) - offset


def load_factor(at: datetime) -> float:
    """Return how much slower machines are at *at*: busiest on weekdays about noon, UTC."""
    if at.weekday() >= _SATURDAY:
        return 1.0
    hour = at.hour + at.minute / 60
    return 1.0 + 0.15 * max(0.0, 1.0 - abs(hour - 12.5) / 5)


def night_after(at: datetime) -> datetime:
    """Return the time of the next nightly build: 2:30 UTC before a working day."""
    day = (at + timedelta(hours=22)).date()
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return datetime.combine(day, _NIGHTLY, tzinfo=at.tzinfo)


def _works(local: datetime) -> bool:
    return local.weekday() < _SATURDAY and _FIRST_HOUR <= local.hour < _LAST_HOUR
