"""Running a program of the checkout to its end, with what it writes in a log and told on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from devmind.local.failures import failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """Runs programs in the checkout.

    Attributes:
        root: The checkout; programs run in it.
        logs: Folder of their logs.
        env: Their environment.
    """

    root: Path
    logs: Path
    env: Mapping[str, str]

    def run(
        self,
        step: str,
        command: Sequence[str],
        *,
        on_line: Callable[[str], None] = lambda _: None,
    ) -> str:
        """Run *command* to its end; every line it writes goes to the step's log and to *on_line*.

        Returns:
            What it wrote to stdout.

        Raises:
            StepFailed: If it does not exist or ends with an error.
        """
        log = self.logs / f"{step.replace(' ', '-')}.log"
        written = []
        with log.open("w") as file:
            process = self._start(step, command, stderr=file)
            with process:
                for line in process.stdout or ():
                    written.append(line)
                    file.write(line)
                    on_line(line.strip())
        if process.returncode != 0:
            reason = f"`{' '.join(command[1:3])}` ended with code {process.returncode}"
            raise failed(step, reason, log, code=process.returncode)
        return "".join(written)

    def _start(
        self, step: str, command: Sequence[str], *, stderr: IO[str]
    ) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(  # noqa: S603  our own programs, no shell
                command,
                cwd=self.root,
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                errors="replace",
                stderr=stderr,
            )
        except OSError as error:
            raise failed(step, f"{command[0]} cannot be started: {error.strerror}") from error


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs *module* with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def tool(name: str) -> str:
    """Return the path of a program that is installed beside this interpreter."""
    return str(Path(sys.executable).with_name(name))
