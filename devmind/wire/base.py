"""What all bodies share: their strictness and the kinds of their fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

MAX_FILES = 20_000
MAX_RUNS = 200_000
MAX_JOBS = 2_000
MAX_STEPS = 1_000


FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Between these any zone's time is a time in UTC."""


def in_utc(at: datetime) -> datetime:
    """Return the same instant in UTC.

    Raises:
        ValueError: If *at* lies outside the years a build can have.
    """
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"the year lies outside {FIRST_YEAR} to {LAST_YEAR}")
    return at.astimezone(UTC)


class Body(BaseModel):
    """A body at a border: frozen, and unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Key = Annotated[str, Field(min_length=1, max_length=200)]
"""A name that identifies: project, pipeline, external id."""

Word = Annotated[str, Field(max_length=400)]
"""A short optional string: branch, author, trigger."""

Text = Annotated[str, Field(max_length=20_000)]
"""A message."""

Path = Annotated[str, Field(min_length=1, max_length=4_096)]
"""A path in a repository."""

TestName = Annotated[str, Field(min_length=1, max_length=2_000)]
"""A test's full name, in any script."""

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Seconds = Annotated[float, Field(ge=0, le=366 * 86_400)]
Attempt = Annotated[int, Field(ge=1, le=10_000)]
At = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""A time with its zone; in UTC once read."""
