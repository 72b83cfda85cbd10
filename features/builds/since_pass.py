"""What has changed on this branch since it last passed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from features.context import Context, Ended
from features.feature import NAN, Feature, KnownAt
from features.frozen import Tree
from features.keys import by_branch
from features.recent import Recent

BRANCHES = 1_024
FILES = 500


class SincePass(Feature):
    """Files of the builds that failed since the branch last passed, and their share in this change.

    Shape:  2 columns: number of such files, share of this change's files that are among them.
    Unit:   files (at most `FILES`), share; NaN if branch or files are unknown.
    Source: changes of failed builds that had finished.
    """

    known_at: ClassVar[KnownAt] = "queued"
    names = ("files_since_pass", "files_since_pass_share")
    group = "branch_outcomes"

    def __init__(self) -> None:
        self._files: Recent[frozenset[str]] = Recent(limit=BRANCHES)

    def read(self, context: Context) -> Sequence[float]:
        """Return size and overlap."""
        name, paths = by_branch(context.traits), context.traits.paths
        if name is None or not paths:
            return (NAN, NAN)
        broken = self._files.get(name) or frozenset()
        return (float(len(broken)), sum(path in broken for path in paths) / len(paths))

    def finished(self, ended: Ended) -> None:
        """Learn the files of a failed build, or forget them when the branch passes."""
        name = by_branch(ended.traits)
        if name is None:
            return
        if ended.passed:
            self._files.pop(name)
        elif ended.failed and ended.traits.paths:
            broken = (self._files.get(name) or frozenset()) | frozenset(ended.traits.paths)
            self._files.put(name, frozenset(sorted(broken)[:FILES]))

    def freeze(self) -> Tree:
        """Return the sorted files by branch."""
        return self._files.freeze(sorted)

    def thaw(self, tree: Tree) -> None:
        """Take over the files."""
        self._files.thaw(tree, frozenset)
