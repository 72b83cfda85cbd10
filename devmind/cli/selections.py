"""From what the service selected to the two lists a runner gets: now, and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from devmind.cli.node_ids import file_exists, name_of, node_id_of
from devmind.errors import InvalidInput, UnreadableSource

if TYPE_CHECKING:
    from devmind.client import Target, TestSelection

_STDIN = Path("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The tests there are, by the names the history knows, with those the runner knows.

    Attributes:
        given: History's name to runner's name, in the order given; empty when none were given.
        node_ids: Whether the runner is pytest.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    node_ids: bool = False

    @classmethod
    def read(cls, path: Path | None, stdin: TextIO, *, node_ids: bool) -> Names:
        """Read names, one a line, from the file at *path* or from *stdin* for `-`.

        Raises:
            UnreadableSource: If the file cannot be read.
        """
        if path is None:
            return cls(node_ids=node_ids)
        try:
            text = stdin.read() if path == _STDIN else path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UnreadableSource(
                str(path), str(error), "Give a text file, one test a line."
            ) from error
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return cls(
            given={(name_of(line) if node_ids else line): line for line in lines},
            node_ids=node_ids,
        )

    def shown(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return what the runner calls the tests *names*."""
        return tuple(self._shown(name) for name in names)

    def _shown(self, name: str) -> str:
        known = self.given.get(name)
        if known is not None:
            return known
        return node_id_of(name, file_exists) if self.node_ids else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset:
    """What to run now and what not.

    Attributes:
        selected: Tests to run, by the runner's names.
        rest: Tests that are left out.
        run_all: Whether all tests are to be run.
        known: Whether it is known which tests there are; if not, both lists are empty.
        summary: One sentence about it.
        answer: What the service said, if it did.
    """

    selected: tuple[str, ...]
    rest: tuple[str, ...] = ()
    run_all: bool = False
    known: bool = True
    summary: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the service's answer with the runner's names in it."""
        return dict(self.answer) | {
            "selected_tests": list(self.selected),
            "skipped_tests": list(self.rest),
            "run_all": self.run_all,
            "summary": self.summary,
        }


def subset_of(selection: TestSelection, names: Names) -> Subset:
    """Turn the service's answer into a subset.

    A test that was given and that the service did not decide about is run.
    """
    if selection.run_all:
        reason = selection.run_all_reason or selection.abstention_reason or "the service says so"
        return everything(names, reason, known=selection.selected_tests, answer=selection.as_json())
    skipped = set(selection.skipped_tests)
    decided = skipped.union(selection.selected_tests)
    selected = [*selection.selected_tests, *(n for n in names.given if n not in decided)]
    total = len(selected) + len(skipped)
    return Subset(
        selected=names.shown(selected),
        rest=names.shown(selection.skipped_tests),
        known=total > 0,
        summary=f"{len(selected)} of {total} tests{_gain(selection)}",
        answer=selection.as_json(),
    )


def everything(
    names: Names,
    reason: str,
    *,
    known: tuple[str, ...] = (),
    answer: Mapping[str, Any] | None = None,
) -> Subset:
    """Return all tests: those that were given, else those *known* to the service."""
    tests = dict.fromkeys([*names.given, *known])
    amount = f"all {len(tests)} tests" if tests else "all tests (their names are not known here)"
    return Subset(
        selected=names.shown(tests),
        run_all=True,
        known=bool(tests),
        summary=f"run {amount}: {reason}",
        answer=answer or {},
    )


def parse_target(text: str) -> Target:
    """Read `confidence=0.95`, `miss-rate=5%`, `time=30%` or `seconds=600`.

    Raises:
        InvalidInput: If it is none of these.
    """
    from devmind.client import Target  # noqa: PLC0415  keeps `devmind --help` quick

    word, _, number = text.partition("=")
    value = _number(number)
    if word == "seconds" and value is not None and value > 0:
        return Target(kind="seconds", value=value)
    if word == "miss-rate" and value is not None and 0 < value < 1:
        return Target(kind="miss_rate", value=value)
    if word in ("confidence", "time") and value is not None and 0 < value <= 1:
        return Target(kind="confidence" if word == "confidence" else "time_share", value=value)
    advice = "Write confidence=0.95, miss-rate=5%, time=30% or seconds=600."
    raise InvalidInput("--target is none that can be reached", text, advice)


def _number(text: str) -> float | None:
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None


def _gain(selection: TestSelection) -> str:
    parts = []
    if selection.estimated_time_savings is not None:
        parts.append(f"saves about {selection.estimated_time_savings:.0f} s")
    if selection.estimated_time_savings_share is not None:
        parts.append(f"{selection.estimated_time_savings_share:.0%} of the time")
    if selection.coverage_retention is not None:
        parts.append(f"expected to catch {selection.coverage_retention:.0%} of the failing tests")
    if selection.expected_miss_rate is not None and not selection.remark:
        slipped = f"{selection.expected_miss_rate:.1%} of {selection.failing_builds}"
        parts.append(f"{slipped} past failing builds slipped through")
    said = f"; {selection.remark}" if selection.remark else ""
    return (f" ({', '.join(parts)})" if parts else "") + said
