"""Says which tests were skipped, and why, so that a green run without them is seen as such.

`python -m scripts.say_skipped REPORT...` reads what `pytest --junit-xml=REPORT` wrote and prints
one annotation of GitHub's: a warning with the reasons, or a notice that nothing was skipped.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from defusedxml import ElementTree


def annotation(reports: Iterable[str]) -> str:
    """Return the annotation for reports, each the text of a JUnit XML file.

    Example:
        >>> annotation(['<testsuite><testcase/></testsuite>'])
        '::notice title=No test was skipped::1 tests ran'
    """
    tests, reasons = 0, Counter[str]()
    for report in reports:
        for test in ElementTree.fromstring(report).iter("testcase"):
            tests += 1
            reasons.update(
                each.get("message", "") for each in test if each.get("type") == "pytest.skip"
            )
    if not reasons:
        return f"::notice title=No test was skipped::{tests} tests ran"
    lines = [f"{times} x {reason}" for reason, times in reasons.most_common()]
    title = f"{reasons.total()} of {tests} tests were skipped"
    return f"::warning title={title}::{_escaped(chr(10).join(lines))}"


def _escaped(text: str) -> str:
    """Return *text* as a workflow command takes it: on one line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def main() -> None:
    """Print the annotation for those files that are there; the others' steps have failed."""
    paths = [path for path in map(Path, sys.argv[1:]) if path.is_file()]
    if not paths:
        sys.exit("::error::there is no report of tests")
    said = annotation(path.read_text(encoding="utf-8") for path in paths)
    print(said)  # noqa: T201 - its purpose


if __name__ == "__main__":
    main()
