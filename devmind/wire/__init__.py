"""The JSON form of the vocabulary: one set of models for client, server and stored events.

Unknown fields, NaN, negative durations, times without a zone and over-long strings are refused
here, at the border, with the offending value; inside, everything is a frozen dataclass.
"""

from devmind.wire.builds import BuildBody, FinishBody, JobBody, StepBody
from devmind.wire.changes import ChangeBody, ChangedFileBody, ChangeTotalsBody
from devmind.wire.events import EventBody, EventsBody, FinishedBody, QueuedBody, ReportedBody
from devmind.wire.reports import ReportBody, TestRunBody

__all__ = [
    "BuildBody",
    "ChangeBody",
    "ChangeTotalsBody",
    "ChangedFileBody",
    "EventBody",
    "EventsBody",
    "FinishBody",
    "FinishedBody",
    "JobBody",
    "QueuedBody",
    "ReportBody",
    "ReportedBody",
    "StepBody",
    "TestRunBody",
]
