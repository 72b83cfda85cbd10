"""What is kept of a failure's message and text."""

from __future__ import annotations

from devmind.ci import Verdict
from devmind.readers.junit.attempts import Problem
from devmind.readers.junit.limits import JUnitLimits


def message(problem: Problem, limits: JUnitLimits) -> str:
    """Return the message and the first lines of the text, or the type where there is neither.

    A text whose first line holds the message says it all; of a skipped test the message does.
    """
    whole = _whole(problem.message.strip(), "".join(problem.text).strip(), problem.verdict)
    return _cut(whole or problem.kind, limits)


def _whole(said: str, text: str, verdict: Verdict) -> str:
    if not said or not text:
        return said or text
    if verdict is Verdict.SKIPPED:
        return said
    return text if _first_line(said) in _first_line(text) else f"{said}\n{text}"


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _cut(text: str, limits: JUnitLimits) -> str:
    """Cut *text* to the limits; what is cut ends in `...`."""
    lines = text.split("\n", limits.message_lines)
    kept = "\n".join(lines[: limits.message_lines])
    if len(lines) <= limits.message_lines and len(kept) <= limits.message_length:
        return kept
    return f"{kept[: limits.message_length - 4].rstrip()}\n..."
