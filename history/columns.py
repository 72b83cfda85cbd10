"""A test report as columns: checked, digested, packed as an Arrow stream (zstd) and unpacked."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from devmind.errors import InvalidInput, TooLarge, shorten
from devmind.runs import RunLists
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

    def count(self, *codes: int) -> int:
        """Return how many runs have one of the verdicts' *codes*."""
        return sum(int(np.count_nonzero(self.verdicts == code)) for code in codes)

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


def columns(runs: RunLists) -> Columns:
    """Turn a report's *runs* into columns.

    Raises:
        InvalidInput: If a name, file, message, duration or attempt cannot be recorded.
        TooLarge: If there are more than `MAX_RUNS` runs.
    """
    if len(runs) > MAX_RUNS:
        raise TooLarge("test report", len(runs), MAX_RUNS)
    found = Columns(
        names=runs.names,
        files=runs.files,
        messages=runs.messages,
        verdicts=np.array([_CODE[verdict] for verdict in runs.verdicts], np.int8),
        durations_s=_durations_s(runs),
        attempts=_attempts(runs),
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


def _durations_s(runs: RunLists) -> NDArray[np.float32]:
    exact = np.array(runs.durations_s, np.float64)
    fine = (exact >= 0) & (exact <= _MAX_DURATION_S)
    if not fine.all():
        at = int(np.argmin(fine))
        what = f"duration_s of test {shorten(runs.names[at])}"
        advice = f"Send seconds, from 0 to {_MAX_DURATION_S:.0f}."
        raise InvalidInput(what, runs.durations_s[at], advice)
    return exact.astype(np.float32) + np.float32(0)  # turns -0.0 into 0.0


def _attempts(runs: RunLists) -> NDArray[np.int16]:
    found = runs.attempts
    if found and not 1 <= min(found) <= max(found) <= _MAX_ATTEMPT:
        at = next(at for at, one in enumerate(found) if not 1 <= one <= _MAX_ATTEMPT)
        what = f"attempt of test {shorten(runs.names[at])}"
        raise InvalidInput(what, found[at], f"Attempts count from 1 to {_MAX_ATTEMPT}.")
    return np.array(found, np.int16)


def _check_texts(found: Columns) -> None:
    check_names("test name", found.names, longest=MAX_NAME)
    check_names("file of a test", found.files, longest=MAX_FILE)
    if not all(found.names):
        raise InvalidInput("test name", "", "Every test needs a name.")
    for message in found.messages:
        if message and (len(message) > MAX_MESSAGE or not storable(message.replace("\0", ""))):
            advice = f"Send at most {MAX_MESSAGE} characters of valid Unicode."
            raise InvalidInput("message of a test", message, advice)
