"""The test runs of a report as lists: quicker to make, to check and to send than objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from devmind.ci import TestRun, Verdict


@dataclass(slots=True, kw_only=True, eq=False)
class RunLists:
    """What `TestRun` says, a list for each of its fields, with one entry a run.

    Example:
        >>> lists = RunLists.of([TestRun(name="cart::adds", verdict=Verdict.PASSED)])
        >>> lists.names, lists.runs()[0].verdict.value
        (['cart::adds'], 'passed')
    """

    names: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    durations_s: list[float] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    def runs(self) -> tuple[TestRun, ...]:
        """Return the runs as objects, in order."""
        rows = zip(
            self.names,
            self.verdicts,
            self.durations_s,
            self.attempts,
            self.files,
            self.messages,
            strict=True,
        )
        return tuple(
            TestRun(
                name=name,
                verdict=verdict,
                duration_s=duration_s,
                attempt=attempt,
                file=file,
                message=message,
            )
            for name, verdict, duration_s, attempt, file, message in rows
        )

    @classmethod
    def of(cls, runs: Iterable[TestRun]) -> RunLists:
        """Return *runs* as lists."""
        known = list(runs)
        return cls(
            names=[run.name for run in known],
            verdicts=[run.verdict for run in known],
            durations_s=[run.duration_s for run in known],
            attempts=[run.attempt for run in known],
            files=[run.file for run in known],
            messages=[run.message for run in known],
        )
