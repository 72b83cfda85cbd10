"""What all bodies share: their strictness and the kinds of their fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MAX_FILES = 20_000
MAX_RUNS = 200_000
MAX_JOBS = 2_000
MAX_STEPS = 1_000


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
At = AwareDatetime
"""A time with its zone."""
