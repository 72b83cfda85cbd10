"""Load from `wrk`: closed loop, one thread, so many seconds; and what it says of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
TIMEOUT_S = 60
_SAID = "RESULT "


class NoLoadGenerator(Exception):
    """There is no `wrk`, and none could be installed."""


class LoadFailed(Exception):
    """`wrk` ended without a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is sent to a server.

    Attributes:
        content_type: Of the bodies.
        bodies: File with a body a line, sent by turns.
        paths: File with a path a line, by turns likewise; `{n}` becomes a new word each time.
    """

    content_type: str
    bodies: Path
    paths: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came back in one run.

    Attributes:
        requests: Answers.
        seconds: On the clock.
        p50_ms: Half of the answers took longer.
        p99_ms: One in a hundred took longer.
        errors: Answers above 399, connections that broke, answers later than `TIMEOUT_S`.
        bytes_read: Of all answers.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int
    bytes_read: int

    @property
    def rate(self) -> float:
        """Answers a second that are no errors."""
        return max(0, self.requests - self.errors) / self.seconds if self.seconds else 0.0


def parsed(text: str) -> Answered:
    """Return what `load.lua` printed at the end of a run.

    Raises:
        LoadFailed: If it printed nothing.
    """
    found = [line for line in text.splitlines() if line.startswith(_SAID)]
    if not found:
        said = text.strip().splitlines()
        raise LoadFailed(said[-1] if said else "wrk said nothing")
    said_of = json.loads(found[-1].removeprefix(_SAID))
    return Answered(
        requests=said_of["requests"],
        seconds=said_of["duration_us"] / 1e6,
        p50_ms=said_of["p50_us"] / 1e3,
        p99_ms=said_of["p99_us"] / 1e3,
        errors=said_of["refused"] + said_of["lost"] + said_of["late"],
        bytes_read=said_of["bytes"],
    )


def program() -> str:
    """Return the path of `wrk`; a root user on Debian gets it installed.

    Raises:
        NoLoadGenerator: If it is not there and cannot be installed.
    """
    found = shutil.which("wrk") or (_installed() if os.geteuid() == 0 else None)
    if found is None:
        raise NoLoadGenerator("wrk is needed; on Debian or Ubuntu: apt-get install wrk")
    return found


def run(  # noqa: PLR0913 - all of them are needed
    wrk: str, url: str, load: Load, *, concurrency: int, seconds: float, mark: str
) -> Answered:
    """Load *url* and return what came back.

    Args:
        wrk: The program.
        url: Of the server, without a path.
        load: What to send.
        concurrency: Connections, each waiting for its answer before it sends again.
        seconds: How long; whole ones, at least one.
        mark: Makes `{n}` in paths differ from those of other runs.

    Raises:
        LoadFailed: If it cannot connect or breaks.
    """
    options = ["-t1", f"-c{concurrency}", f"-d{max(1, round(seconds))}s", f"--timeout={TIMEOUT_S}s"]
    words = [load.content_type, str(load.bodies), str(load.paths), mark]
    command = [wrk, *options, "-s", str(SCRIPT), url, "--", *words]
    done = subprocess.run(  # noqa: S603 - the program that was found, no shell
        command, check=False, capture_output=True, text=True, timeout=seconds + 2 * TIMEOUT_S
    )
    return parsed(done.stdout + done.stderr)


def _installed() -> str | None:
    apt = shutil.which("apt-get")
    if apt is None:
        return None
    print("wrk is not there; installing it with apt-get", file=sys.stderr)
    for words in (["update"], ["install", "--yes", "--no-install-recommends", "wrk"]):
        subprocess.run([apt, "--quiet", *words], check=False, capture_output=True)  # noqa: S603
    return shutil.which("wrk")
