"""Typed access to one record of a file: every bad value is named with its place.

A record is an object of a JSON file or a row of a CSV file. What is absent or empty reads as
the kind's nothing (`""`, `0`, `None`); what is there and cannot be true raises.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import NoReturn

from devmind.errors import UnreadableSource, shorten
from devmind.times import CLOCK_SKEW

MAX_COUNT = 2**31 - 1
_ADVICE = "Correct the file or get it again; nothing of this record was imported."


class Record:
    """One record, with *where* it stands: a file with its line or object."""

    __slots__ = ("_values", "where")

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self._values = values
        self.where = where

    def bad(self, field: str, expected: str) -> NoReturn:
        """Refuse the value of *field*.

        Raises:
            UnreadableSource: Always, with the place and the value.
        """
        value = shorten(self._values.get(field))
        raise UnreadableSource(self.where, f"{field} is {value}, not {expected}", _ADVICE)

    def text(self, field: str, limit: int | None = None) -> str:
        """Return a string or whole number as a string, without characters no database keeps."""
        value = self._values.get(field)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.bad(field, "text")
        return printable(str(value))[:limit]

    def required(self, field: str) -> str:
        """Return a string that must be there.

        Raises:
            UnreadableSource: If it is absent or empty.
        """
        return self.text(field) or self.bad(field, "given")

    def count(self, field: str) -> int:
        """Return a whole number from 0; `"3.0"` is 3, nothing is 0."""
        number = self.number(field)
        if number != int(number) or number > MAX_COUNT:
            self.bad(field, "a whole number")
        return int(number)

    def number(self, field: str) -> float:
        """Return a finite number from 0; nothing is 0."""
        value = self._values.get(field)
        if value is None or value == "":
            return 0.0
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.bad(field, "a number")
        try:
            number = float(value)
        except (ValueError, OverflowError):
            self.bad(field, "a number")
        if not math.isfinite(number) or number < 0:
            self.bad(field, "a number from 0")
        return number

    def at(self, field: str, *, zone: tzinfo | None = None) -> datetime | None:
        """Return a time in UTC, or `None` for nothing.

        Args:
            field: Holds an ISO 8601 time.
            zone: What a time without a zone means; without it such a time is refused.
        """
        value = self._values.get(field)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.bad(field, "a time such as 2024-05-06T07:08:09Z")
        try:
            at = datetime.fromisoformat(value.strip())
            if at.tzinfo is None and zone is not None:
                at = at.replace(tzinfo=zone)
            utc = at.astimezone(UTC)
        except (ValueError, OverflowError):
            self.bad(field, "a time such as 2024-05-06T07:08:09Z")
        if at.tzinfo is None:
            self.bad(field, "a time with its zone, such as 2024-05-06T07:08:09Z")
        return utc

    def at_required(self, field: str, *, zone: tzinfo | None = None) -> datetime:
        """Return a time in UTC that must be there."""
        return self.at(field, zone=zone) or self.bad(field, "given")

    def span(self, start: str, end: str) -> tuple[datetime | None, datetime | None]:
        """Return a start and an end; an end a little before its start becomes the start.

        CI systems stamp the two on different machines, so up to `CLOCK_SKEW` is forgiven.
        """
        started_at, finished_at = self.at(start), self.at(end)
        if started_at and finished_at and finished_at < started_at:
            if started_at - finished_at > CLOCK_SKEW:
                self.bad(end, f"after {start} ({started_at.isoformat()})")
            finished_at = started_at
        return started_at, finished_at

    def record(self, field: str) -> Record:
        """Return the object in *field*; an empty one if it is null or absent."""
        return as_record(self._values.get(field) or {}, f"{self.where}, {field}")

    def records(self, field: str) -> list[Record]:
        """Return the list of objects in *field*; an empty one if it is null or absent."""
        value = self._values.get(field)
        if value is None:
            return []
        if not isinstance(value, list):
            self.bad(field, "a list")
        return [as_record(one, f"{self.where}, {field}[{i}]") for i, one in enumerate(value)]

    def texts(self, field: str) -> list[str]:
        """Return the list of strings in *field*."""
        value = self._values.get(field)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.bad(field, "a list of strings")
        return [printable(one) for one in value]

    def __iter__(self) -> Iterator[str]:
        """Return the names of the fields."""
        return iter(self._values)

    def has(self, field: str) -> bool:
        """Whether *field* is there, null included."""
        return field in self._values


def as_record(value: object, where: str) -> Record:
    """Return *value* as a record.

    Raises:
        UnreadableSource: If it is not an object.
    """
    if not isinstance(value, dict):
        raise UnreadableSource(where, f"an object was expected, got {shorten(value)}", _ADVICE)
    return Record(value, where)


def printable(text: str) -> str:
    """Replace what no UTF-8 database column holds: NUL and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
