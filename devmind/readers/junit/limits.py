"""How much of a JUnit file is accepted."""

from __future__ import annotations

from dataclasses import dataclass

from devmind.wire.base import MAX_RUNS


@dataclass(frozen=True, slots=True, kw_only=True)
class JUnitLimits:
    """What a file may hold; the defaults are what the service accepts (`devmind.wire`).

    Attributes:
        test_runs: Attempts of all tests together.
        attempts: Attempts of one test.
        depth: Elements inside each other.
        name_length: Characters of a test's name; longer ones are cut and get a digest.
        file_length: Characters of a test's file.
        message_length: Characters kept of a failure's message and text.
        message_lines: Lines kept of them.
        duration_s: Seconds one attempt may take.
        token_bytes: Bytes of one attribute list or comment, which XML cannot stream.
        size_bytes: Bytes of the file.
    """

    test_runs: int = MAX_RUNS
    attempts: int = 10_000
    depth: int = 100
    name_length: int = 2_000
    file_length: int = 4_096
    message_length: int = 1_000
    message_lines: int = 20
    duration_s: float = 366 * 86_400.0
    token_bytes: int = 8 * 2**20
    size_bytes: int = 2**30
