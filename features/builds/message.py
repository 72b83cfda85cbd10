"""What the commit message calls the change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from features.context import Context
from features.feature import NAN, Feature, KnownAt

WORDS = {
    "revert": r"revert\w*|roll ?back",
    "fix": r"fix\w*|bug\w*|hotfix|patch\w*|resolve\w*",
    "merge": r"merge\w*",
    "bump": r"bump\w*|upgrade\w*|updat\w+ dependenc\w+|deps",
    "refactor": r"refactor\w*|clean ?up|rename\w*|simplif\w+",
    "add": r"feat|feature|add\w*|implement\w*|introduce\w*",
    "test": r"tests?|spec",
    "docs": r"docs?|readme|typo",
    "ci": r"ci|workflow|pipeline|github actions",
    "unfinished": r"wip|tmp|temp|try|attempt|debug\w*|draft",
}
"""What to look for, by the name of its column."""

_LOOKED_AT = 1_000
_RULES = [re.compile(rf"(?<![a-z])({words})(?![a-z])") for words in WORDS.values()]


class Message(Feature):
    """Flags of telling words in the message, and its length.

    Shape:  one column a word, and `message_length`.
    Unit:   flag, characters; NaN without a message.
    Source: `Change.message`, its first 1,000 characters.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = (*(f"message_{word}" for word in WORDS), "message_length")
    group = "message"

    def read(self, context: Context) -> Sequence[float]:
        """Return the flags and the length."""
        message = context.build.change.message
        if not message:
            return [NAN] * len(self.names)
        text = message[:_LOOKED_AT].lower()
        return [*(float(bool(rule.search(text))) for rule in _RULES), float(len(message))]
