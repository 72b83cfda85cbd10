"""How a training job that did not succeed ends: its state, the reason for people, the exit code."""

from __future__ import annotations

import errno
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devmind.errors import DevMindError, ModelUnavailable, NoSpace, NotEnoughHistory
from history.jobs import RESTARTED, JobState
from training.progress import JobCancelled, LeaseLost

EXIT_FAILED, EXIT_IMPOSSIBLE = 1, 2
TOLD = "its process was told to end while it ran, as when a cluster stops; start it again"
INTERRUPTED = "interrupted at the terminal it ran in"
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NEARLY_FULL = 4 * 2**20
_LOST = ("RaySystemError", "RpcError", "LocalRayletDiedError", "NodeDiedError", "ConnectionError")
"""What Ray raises in a process whose cluster has gone, by name: this module knows no Ray."""


class Told(BaseException):
    """The process was told to end (SIGTERM)."""


_KNOWN: tuple[tuple[type[BaseException], JobState, str], ...] = (
    (LeaseLost, "failed", ""),
    (JobCancelled, "cancelled", ""),
    (KeyboardInterrupt, "cancelled", INTERRUPTED),
    (Told, "failed", TOLD),
    (SystemExit, "failed", TOLD),
)


def heed_signals() -> None:
    """Have SIGTERM raise `Told` in the main thread."""

    def told(_signal: int, _frame: object) -> None:
        raise Told

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, told)


def end_main_thread() -> None:
    """Raise `Told` in the main thread, whatever it waits for."""
    main_thread = threading.main_thread().ident
    if main_thread is not None:
        signal.pthread_kill(main_thread, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a job ends.

    Attributes:
        state: To be recorded, unless the job ended before.
        detail: Why, for people.
        exit_code: Of the process.
        unexpected: Whether the log should hold the traceback.
    """

    state: JobState
    detail: str
    exit_code: int
    unexpected: bool = False


def ending(error: BaseException, scratch: Path, *, scheduled: bool = False) -> Ending:
    """Say how *error* ends a job that writes below *scratch*.

    Too little history is a failure to whoever asked for a model now. To a *scheduled* job it is
    not: there is nothing to mend, and a later tick may find enough. A history that is long enough
    and teaches nothing, such as one in which every build has passed, is looked at by somebody.
    """
    for kind, state, detail in _KNOWN:
        if isinstance(error, kind):
            return Ending(state=state, detail=detail or str(error), exit_code=EXIT_FAILED)
    chain = list(_chain(error))
    known = next((one for one in chain if isinstance(one, DevMindError)), None)
    if known is None and (_out_of_space(chain) or _full(scratch)):
        known = NoSpace(str(scratch), "for what training writes")
    if scheduled and isinstance(known, NotEnoughHistory):
        return Ending(state="skipped", detail=str(known), exit_code=0)
    if known is not None:
        mended = isinstance(known, (ModelUnavailable, NoSpace))
        code = EXIT_FAILED if mended else EXIT_IMPOSSIBLE
        return Ending(state="failed", detail=str(known), exit_code=code)
    if any(type(one).__name__ in _LOST for one in chain):
        return Ending(state="failed", detail=RESTARTED, exit_code=EXIT_FAILED)
    said = f"{type(error).__name__}: {_last_line(error)}"
    return Ending(state="failed", detail=said, exit_code=EXIT_FAILED, unexpected=True)


def _out_of_space(chain: list[BaseException]) -> bool:
    return any(isinstance(one, OSError) and one.errno in _FULL for one in chain)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and what caused it; Ray keeps a worker's own error as `cause`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [getattr(one, "cause", None), one.__cause__, one.__context__]


def _full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _NEARLY_FULL
    except OSError:
        return False


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
