"""What a branch's name says about the work on it."""

from __future__ import annotations

import re

KINDS = ("main", "queue", "release", "bot", "fix", "feature", "ticket", "other")
"""The kinds of branches, in the order in which they are tried."""

_RULES = (
    ("main", re.compile(r"^(main|master|trunk|develop|development|dev|default|next)$")),
    ("queue", re.compile(r"^(gh-readonly-queue/.*|merge-queue/.*|auto|try|staging|bors/.*)$")),
    ("release", re.compile(r"^(releases?|stable|maint(enance)?)([/_.-]|$)|^v?\d+(\.(\d+|x))+$")),
    ("bot", re.compile(r"^(dependabot|renovate|snyk|pyup|greenkeeper|pre-commit-ci)[/_-]")),
    ("fix", re.compile(r"(^|[/_-])(fix|bugfix|hotfix|bug|patch)([/_-]|\d|$)")),
    ("feature", re.compile(r"(^|[/_-])(feat|feature|features)([/_-]|$)")),
    ("ticket", re.compile(r"(^|[/_-])[a-z][a-z0-9]{1,9}-\d+([/_.-]|$)|^#?\d+([/_-]|$)")),
)


def branch_kind(branch: str) -> str:
    """Return which of `KINDS` the name *branch* suggests; an empty name is `other`.

    Example:
        >>> [branch_kind(b) for b in ("master", "dependabot/npm/x", "fix/login", "PAY-7463")]
        ['main', 'bot', 'fix', 'ticket']
    """
    lower = branch.lower()[:200]
    return next((kind for kind, rule in _RULES if rule.search(lower)), "other")
