"""Test reports as JSON, which are long: checked by one decoder, made into runs by another.

Both are msgspec's and quicker than models that are then copied into runs. A report that the first
decoder refuses is read by the model of `devmind.wire`, which says what is wrong.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from deployments.http.bodies import parse
from devmind.ci import TestReport, Verdict
from devmind.wire import ReportBody
from devmind.wire.base import MAX_RUNS


class _Run(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What `devmind.wire.TestRunBody` takes."""

    name: Annotated[str, Meta(min_length=1, max_length=2_000)]
    verdict: Verdict
    duration_s: Annotated[float, Meta(ge=0, le=366 * 86_400)] = 0.0
    attempt: Annotated[int, Meta(ge=1, le=10_000)] = 1
    file: Annotated[str, Meta(max_length=4_096)] = ""
    message: Annotated[str, Meta(max_length=20_000)] = ""


class _Report(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What `devmind.wire.ReportBody` takes."""

    runs: Annotated[list[_Run], Meta(max_length=MAX_RUNS)]
    name: Annotated[str, Meta(max_length=400)] = ""


_CHECK = msgspec.json.Decoder(_Report)
_MAKE = msgspec.json.Decoder(TestReport)


def read_report(body: bytes, name: str | None = None) -> TestReport:
    """Return the report in *body*; a *name* takes the place of its own.

    Raises:
        InvalidBody: With every wrong field.
    """
    try:
        _CHECK.decode(body)
        found = _MAKE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = parse(ReportBody, body).domain()
    return found if name is None else replace(found, name=name)
