"""Looking at processes: when they started, what they were started by, how much memory they use.

A process number alone proves nothing, since numbers are used again: a process is ours only if its
start time, or the mark in its environment, is the one that was written down.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "DEVMIND_STARTED_BY"
"""Environment variable that every process of a service inherits: the service's own word."""
NAME = "DEVMIND_STARTED_AS"
"""Environment variable that says which child of the service a process descends from."""
_PROC = Path("/proc")
_START_FIELD = 19  # of /proc/PID/stat, counted after the program's name
_PRIVATE = ("Private_Clean:", "Private_Dirty:")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Memory of one process in bytes: its own (USS), and with its part of what is shared (PSS)."""

    uss_bytes: int
    pss_bytes: int


def start_time(pid: int) -> str | None:
    """Return when process *pid* started and in which run of the machine, as text to compare.

    `None` if it is gone.

    A zombie is gone: it does nothing any more.
    """
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None if _PROC.joinpath("self").exists() else _start_time_by_ps(pid)
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else f"{_boot()} {fields[_START_FIELD]}"


def marked(mark: str, name: str | None = None) -> Iterator[int]:
    """Yield the processes that inherited *mark*, of child *name* only if one is given.

    Only Linux tells; elsewhere nothing is yielded. Never yields this process.
    """
    for folder in _PROC.glob("[0-9]*"):
        if is_marked(int(folder.name), mark, name):
            yield int(folder.name)


def is_marked(pid: int, mark: str, name: str | None = None) -> bool:
    """Whether process *pid*, which is not this one, inherited *mark* and runs."""
    wanted = {f"{MARK}={mark}".encode()} | ({f"{NAME}={name}".encode()} if name else set())
    return pid != os.getpid() and wanted <= _environment(pid) and start_time(pid) is not None


def name_of(pid: int) -> str:
    """Return which child of the service process *pid* descends from."""
    prefix = f"{NAME}=".encode()
    found = (item[len(prefix) :] for item in _environment(pid) if item.startswith(prefix))
    return next(found, b"").decode("utf-8", "replace")


def send(pid: int, number: signal.Signals, *, if_ours: Callable[[int], bool]) -> bool:
    """Send a signal to process *pid* if it is ours; where the system allows, without a race.

    Returns:
        Whether it was sent.
    """
    try:
        handle = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return False
    try:
        if not if_ours(pid):
            return False
        if handle is None:
            os.kill(pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except OSError:
        return False
    finally:
        if handle is not None:
            os.close(handle)
    return True


def memory_use(pid: int) -> MemoryUse | None:
    """Return the memory of process *pid*, or `None` if the system does not tell."""
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return None
    sizes = {line.split()[0]: line.split()[1] for line in text.splitlines()[1:]}
    kilobytes = {name: int(size) for name, size in sizes.items() if size.isdigit()}
    return MemoryUse(
        uss_bytes=1024 * sum(kilobytes.get(name, 0) for name in _PRIVATE),
        pss_bytes=1024 * kilobytes.get("Pss:", 0),
    )


def listener(port: int) -> str:
    """Name the process that listens on *port*, as far as this user may see."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening(table, port)}
    for folder in _PROC.glob("[0-9]*"):
        if inodes and not inodes.isdisjoint(_sockets(folder)):
            command = folder.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode()
            return f"process {folder.name} ({command.strip()[:60]})"
    return "another program"


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _environment(pid: int) -> set[bytes]:
    try:
        return set((_PROC / str(pid) / "environ").read_bytes().split(b"\0"))
    except OSError:
        return set()


def _listening(table: str, port: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{fields[9]}]"


def _sockets(folder: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for link in folder.joinpath("fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(link.readlink())


def _start_time_by_ps(pid: int) -> str | None:
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    try:
        done = subprocess.run(  # noqa: S603  fixed program, no shell
            command, check=False, capture_output=True, text=True
        )
    except OSError:
        return None
    return done.stdout.strip() or None
