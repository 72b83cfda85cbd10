"""A test report as columns: checked, digested, packed as an Arrow stream (zstd) and unpacked."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from devmind.ci import TestReport
from devmind.errors import InvalidInput, TooLarge, shorten
from devmind.wire.base import MAX_RUNS
from history.bodies import digest
from history.events import VERDICTS
from history.names import check_names, storable

MAX_NAME, MAX_FILE, MAX_MESSAGE = 2_000, 4_096, 20_000
_MAX_ATTEMPT = 10_000
_MAX_DURATION_S = 366 * 86_400.0
_CODE = {verdict: code for code, verdict in enumerate(VERDICTS)}
_WRITE = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
_READ = pa.ipc.IpcReadOptions(use_threads=False, included_fields=[0, 1, 2, 3])
_READ_ALL = pa.ipc.IpcReadOptions(use_threads=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """A report whose tests are still names; arrays and lists have one entry a run."""

    names: list[str]
    files: list[str]
    messages: list[str]
    verdicts: NDArray[np.int8]
    durations_s: NDArray[np.float32]
    attempts: NDArray[np.int16]

    def digest(self) -> bytes:
        """Return 16 bytes that stand for the contents; durations count as stored, in float32."""
        numbers = (self.verdicts, self.durations_s, self.attempts)
        parts = (self.names, self.files, self.messages, *(array.tobytes() for array in numbers))
        return digest(msgspec.msgpack.encode(parts))

    def pack(self, tests: NDArray[np.int32]) -> bytes:
        """Return the stored form, with the numbers of the *tests* in place of their names."""
        arrays = {
            "test": tests,
            "verdict": self.verdicts,
            "duration_s": self.durations_s,
            "attempt": self.attempts,
        }
        columns = {name: pa.array(array) for name, array in arrays.items()}
        if any(self.messages):
            columns["message"] = pa.array([message or None for message in self.messages])
        batch = pa.record_batch(list(columns.values()), names=list(columns))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema, options=_WRITE) as stream:
            stream.write_batch(batch)
        packed: bytes = sink.getvalue().to_pybytes()
        return packed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unpacked:
    """The columns of a stored report; the arrays cannot be written to."""

    tests: NDArray[np.int32]
    verdicts: NDArray[np.int8]
    durations_s: NDArray[np.float32]
    attempts: NDArray[np.int16]


def columns(report: TestReport) -> Columns:
    """Turn *report* into columns.

    Raises:
        InvalidInput: If a name, file, message, duration or attempt cannot be recorded.
        TooLarge: If there are more than `MAX_RUNS` runs.
    """
    runs = report.runs
    if len(runs) > MAX_RUNS:
        raise TooLarge("test report", len(runs), MAX_RUNS)
    found = Columns(
        names=[run.name for run in runs],
        files=[run.file for run in runs],
        messages=[run.message for run in runs],
        verdicts=np.fromiter((_CODE[run.verdict] for run in runs), np.int8, len(runs)),
        durations_s=_durations_s(report),
        attempts=_attempts(report),
    )
    _check_texts(found)
    return found


def unpack(body: bytes) -> Unpacked:
    """Undo `Columns.pack`, but for the messages."""
    batch = pa.ipc.open_stream(body, options=_READ).read_next_batch()
    tests, verdicts, durations_s, attempts = (batch.column(i).to_numpy() for i in range(4))
    return Unpacked(tests=tests, verdicts=verdicts, durations_s=durations_s, attempts=attempts)


def unpack_messages(body: bytes) -> list[str]:
    """Return the messages of a stored report, one a run, empty where there was none."""
    batch = pa.ipc.open_stream(body, options=_READ_ALL).read_next_batch()
    if "message" not in batch.schema.names:
        return [""] * batch.num_rows
    return [message or "" for message in batch.column("message").to_pylist()]


def _durations_s(report: TestReport) -> NDArray[np.float32]:
    exact = np.fromiter((run.duration_s for run in report.runs), np.float64, len(report.runs))
    fine = (exact >= 0) & (exact <= _MAX_DURATION_S)
    if not fine.all():
        run = report.runs[int(np.argmin(fine))]
        advice = f"Send seconds, from 0 to {_MAX_DURATION_S:.0f}."
        raise InvalidInput(f"duration_s of test {shorten(run.name)}", run.duration_s, advice)
    return exact.astype(np.float32) + np.float32(0)  # turns -0.0 into 0.0


def _attempts(report: TestReport) -> NDArray[np.int16]:
    for run in report.runs:
        if not 1 <= run.attempt <= _MAX_ATTEMPT:
            advice = f"Attempts count from 1 to {_MAX_ATTEMPT}."
            raise InvalidInput(f"attempt of test {shorten(run.name)}", run.attempt, advice)
    return np.fromiter((run.attempt for run in report.runs), np.int16, len(report.runs))


def _check_texts(found: Columns) -> None:
    check_names("test name", found.names, longest=MAX_NAME)
    check_names("file of a test", found.files, longest=MAX_FILE)
    if not all(found.names):
        raise InvalidInput("test name", "", "Every test needs a name.")
    for message in found.messages:
        if message and (len(message) > MAX_MESSAGE or not storable(message.replace("\0", ""))):
            advice = f"Send at most {MAX_MESSAGE} characters of valid Unicode."
            raise InvalidInput("message of a test", message, advice)
