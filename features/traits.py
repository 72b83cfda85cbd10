"""What a queued build is compared by: the part of it that is remembered until it has ended."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from devmind.ci import Change, ChangeTotals, QueuedBuild
from devmind.paths import extension
from features.branches import branch_kind
from features.frozen import Tree
from features.recent import key

MAX_PATHS = 200
"""Of a larger change an even sample of this many paths is remembered."""
MAX_EXTENSIONS = 64
_LONGEST_WORD = 400

cached_branch_kind = lru_cache(maxsize=4_096)(branch_kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """A queued build, reduced to what its neighbours in history share with it.

    Attributes:
        build_id: The build.
        pipeline: The pipeline it runs.
        at: When it was queued, epoch seconds.
        attempt: 1, or more for a rerun.
        trigger: The CI system's word for why it runs.
        author: Of the change.
        branch: The branch's name, or the pull request where the name says nothing.
        branch_kind: One of `features.branches.KINDS`.
        commit: What names the change.
        extensions: Of the changed files, sorted; `None` if nothing is known of the files.
        paths: Changed paths, sorted; at most `MAX_PATHS`; empty if the files are not listed.
        docs_only: Whether only documentation changes; `None` if unknown.
        dependencies: Whether a file that declares dependencies changes; `None` if unknown.
    """

    build_id: str
    pipeline: str
    at: float
    attempt: int
    trigger: str
    author: str
    branch: str
    branch_kind: str
    commit: str
    extensions: tuple[str, ...] | None
    paths: tuple[str, ...]
    docs_only: bool | None
    dependencies: bool | None

    @property
    def file_types(self) -> str | None:
        """The set of extensions as one key."""
        return None if self.extensions is None else key(*self.extensions)

    @property
    def directories(self) -> tuple[str, ...]:
        """The changed files' directories, sorted; the root is an empty name."""
        return tuple(sorted({path.rpartition("/")[0] for path in self.paths}))

    @property
    def areas(self) -> tuple[str, ...]:
        """The changed files' top-level directories, sorted; the root is an empty name."""
        return tuple(sorted({path.partition("/")[0] if "/" in path else "" for path in self.paths}))

    def freeze(self) -> Tree:
        """Return the traits as a list."""
        return [getattr(self, name) for name in _FIELDS]

    @classmethod
    def thaw(cls, tree: Tree) -> Traits:
        """Return the traits that `freeze` wrote."""
        values = (tuple(value) if isinstance(value, list) else value for value in tree)
        named: dict[str, Any] = dict(zip(_FIELDS, values, strict=True))
        return cls(**named)


_FIELDS = tuple(field.name for field in fields(Traits))


def traits_of(build: QueuedBuild, totals: ChangeTotals | None) -> Traits:
    """Reduce *build*, whose change has the size *totals*, to its traits."""
    change = build.change
    files = 0 if totals is None else files_of(totals)
    return Traits(
        build_id=build.build_id,
        pipeline=build.pipeline,
        at=build.queued_at.timestamp(),
        attempt=build.attempt,
        trigger=build.trigger,
        author=change.author,
        branch=branch_of(change),
        branch_kind=cached_branch_kind(change.branch),
        commit=change.commit,
        extensions=_extensions(change, totals),
        paths=_sample({file.path[:_LONGEST_WORD] for file in change.files}),
        docs_only=None if totals is None else totals.doc_files == files > 0,
        dependencies=None if totals is None else totals.dependency_files > 0,
    )


def branch_of(change: Change) -> str:
    """Name the line of work: the branch, or the pull request where many share its name.

    Example:
        >>> branch_of(Change(branch="fix/x", pull_request="7"))
        'fix/x'
        >>> branch_of(Change(branch="main", pull_request="7"))
        '#7'
    """
    shared = not change.branch or cached_branch_kind(change.branch) == "main"
    return f"#{change.pull_request}" if change.pull_request and shared else change.branch


def files_of(totals: ChangeTotals) -> int:
    """Return how many files a change touches."""
    return totals.files_added + totals.files_modified + totals.files_deleted


def _extensions(change: Change, totals: ChangeTotals | None) -> tuple[str, ...] | None:
    known = () if totals is None else totals.extensions
    if not known:
        known = tuple(sorted({extension(file.path) for file in change.files}))
    if known:
        return tuple(word[:_LONGEST_WORD] for word in known[:MAX_EXTENSIONS])
    return () if totals is not None and files_of(totals) == 0 else None


def _sample(paths: set[str]) -> tuple[str, ...]:
    ordered = sorted(paths)
    step = -(-len(ordered) // MAX_PATHS) or 1
    return tuple(ordered[::step])
