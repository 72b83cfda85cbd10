"""The processes of a service: started, written down, found again, stopped."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devmind.local import processes

GRACE_S = 20.0
"""How long a process may take to end by itself."""
_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process that was started here.

    Attributes:
        name: Its role, such as `ray`.
        pid: Its number, which is its process group and session, too.
        started: When it started (see `processes.start_time`).
        log: The file that takes what it writes.
        facts: What else has to be known to use it again, such as its port.
    """

    name: str
    pid: int
    started: str
    log: str
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Whether it still runs; another process with its number does not count."""
        return processes.start_time(self.pid) == self.started


class Children:
    """The children of one service, each with a record in a folder.

    Args:
        run: Folder of the records; must exist.
        logs: Folder of what the children write; must exist.
    """

    def __init__(self, *, run: Path, logs: Path) -> None:
        self._run = run
        self._logs = logs

    @property
    def mark(self) -> str:
        """The word by which the processes of this service are known; made at first use."""
        file = self._run / "mark"
        if not file.exists():
            file.write_text(secrets.token_hex(8))
        return file.read_text()

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        facts: Mapping[str, str] | None = None,
    ) -> Child:
        """Start *command* in a session of its own, which outlives this process, and record it."""
        log = self._logs / f"{name}.log"
        marks = {processes.MARK: self.mark, processes.NAME: name}
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603  our own programs, no shell
                command,
                env=dict(env) | marks,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = processes.start_time(process.pid) or ""
        child = Child(
            name=name, pid=process.pid, started=started, log=str(log), facts=dict(facts or {})
        )
        self._write(child)
        return child

    def find(self, name: str) -> Child | None:
        """Return the child of this name if it runs."""
        child = self._read(self._record(name))
        return child if child is not None and child.alive else None

    def running(self) -> list[Child]:
        """Return the children that run."""
        children = (self._read(record) for record in sorted(self._run.glob("*.json")))
        return [child for child in children if child is not None and child.alive]

    def pids(self, name: str | None = None) -> list[int]:
        """Return the processes of the service, or of one child, descendants included."""
        return sorted(processes.marked(self.mark, name))

    def stop(self, name: str, *, grace_s: float = GRACE_S) -> bool:
        """Stop a child and whatever it left behind; nothing else, whatever its number.

        Returns:
            Whether anything of it was running.
        """
        child = self.find(name)
        was_there = child is not None or bool(self.pids(name))
        if child is not None:
            processes.send(child.pid, signal.SIGTERM, if_ours=lambda _: child.alive)
            _wait(lambda: not child.alive, grace_s)
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal_rest(name, child, number)
            _wait(lambda: not self.pids(name), grace_s if number == signal.SIGTERM else 2.0)
        self._record(name).unlink(missing_ok=True)
        return was_there

    def stop_all(self) -> list[str]:
        """Stop every child in reverse order of its start; return the names of those that ran."""
        records = self._run.glob("*.json")
        names = [r.stem for r in sorted(records, key=lambda r: r.stat().st_mtime, reverse=True)]
        left = {processes.name_of(pid) for pid in self.pids()} - {"", *names}
        return [name for name in [*names, *sorted(left)] if self.stop(name)]

    def _signal_rest(self, name: str, child: Child | None, number: signal.Signals) -> None:
        mark = self.mark
        for pid in self.pids(name):
            processes.send(pid, number, if_ours=lambda p: processes.is_marked(p, mark, name))
        if child is not None and child.alive:
            processes.send(child.pid, number, if_ours=lambda _: child.alive)

    def _record(self, name: str) -> Path:
        return self._run / f"{name}.json"

    def _write(self, child: Child) -> None:
        new = self._run / f".{child.name}.new"
        new.write_text(json.dumps(asdict(child)))
        os.replace(new, self._record(child.name))  # noqa: PTH105  atomic, and says so

    def _read(self, record: Path) -> Child | None:
        """Read a record; one that cannot be read is as good as none."""
        try:
            return Child(**json.loads(record.read_text()))
        except (OSError, ValueError, TypeError):
            return None


def _wait(done: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not done() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
