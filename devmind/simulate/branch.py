"""A branch while somebody works on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from devmind.ci import ChangedFile
from devmind.simulate.commits import Breakage
from devmind.simulate.names import BOT
from devmind.simulate.truth import Author


@dataclass(kw_only=True)
class Branch:
    """A branch: what it has changed, broken and mended so far.

    Attributes:
        name: The branch's.
        number: Its pull request's.
        author: Who works on it; `None` for the bot.
        kind: `feature`, `docs`, `dependencies` or `hotfix`.
        module: What it is about.
        remaining: How many commits are planned after the next.
        lock: Which version of the dependencies it has.
        files: Its difference from main.
        own: What it broke and nobody has mended.
        mended: What was broken on main and is mended here.
        failures: How many of its builds needed mending.
    """

    name: str
    number: int
    author: Author | None
    kind: str
    module: str
    remaining: int
    lock: str
    files: dict[str, ChangedFile] = field(default_factory=dict)
    own: list[Breakage] = field(default_factory=list)
    mended: list[Breakage] = field(default_factory=list)
    failures: int = 0

    @property
    def login(self) -> str:
        """Its author's name on GitHub."""
        return self.author.login if self.author else BOT

    def add(self, files: list[ChangedFile]) -> None:
        """Add the files of a commit, as a comparison with main shows them."""
        for file in files:
            known = self.files.get(file.path)
            self.files[file.path] = file if known is None else _sum(known, file)

    def wrong(self, main: list[Breakage]) -> list[Breakage]:
        """Return what is wrong with its code, given what is wrong with *main*'s."""
        return self.own + [one for one in main if one not in self.mended]

    def mend(self, breakages: list[Breakage]) -> None:
        """Mend *breakages*, its own or those of main."""
        self.mended += [one for one in breakages if one not in self.own]
        self.own = [one for one in self.own if one not in breakages]


def _sum(before: ChangedFile, after: ChangedFile) -> ChangedFile:
    return replace(
        before,
        lines_added=before.lines_added + after.lines_added,
        lines_deleted=before.lines_deleted + after.lines_deleted,
    )
