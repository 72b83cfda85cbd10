"""What can go wrong when the service is started on this machine."""

from __future__ import annotations

from pathlib import Path

from devmind.errors import DevMindError, InvalidInput

LAST_LINES = 15


class StepFailed(DevMindError):
    """A step of `devmind up` did not succeed; what it wrote last is in the message.

    Attributes:
        code: The exit code of the program that failed, if it ended by itself.
    """

    def __init__(
        self,
        step: str,
        reason: str,
        log: Path | None,
        last_lines: tuple[str, ...],
        code: int | None = None,
    ) -> None:
        super().__init__(step, reason, log, last_lines, code)
        self.step = step
        self.reason = reason
        self.log = log
        self.last_lines = last_lines
        self.code = code

    def __str__(self) -> str:
        lines = "".join(f"\n  | {line}" for line in self.last_lines)
        where = f"\n  The whole log: {self.log}" if self.log else ""
        return f"{self.step}: {self.reason}{lines}{where}"


class PortTaken(InvalidInput):
    """Another program listens on a port that is needed."""

    def __init__(self, port: int, owner: str, option: str) -> None:
        super().__init__(f"port {port} is taken", owner, f"Stop it, or choose another: {option}.")
        self.args = (port, owner, option)

    def __str__(self) -> str:
        return f"{self.what} by {self.value}. {self.advice}"


def failed(
    step: str, reason: str, log: Path | None = None, *, code: int | None = None
) -> StepFailed:
    """Return a failure with the last lines of *log*, as far as there is one."""
    return StepFailed(step, reason, log, last_lines(log) if log else (), code)


def last_lines(log: Path, count: int = LAST_LINES) -> tuple[str, ...]:
    """Return the last lines of a text file; of an enormous one only its end is read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64 * 1024))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-count:]
