"""Changes of a git repository: its history, and the change that a CI job is about.

A merge commit is compared with its first parent: what it brought to its branch. Branches are not
part of git's history, so a change of `read_changes` has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from devmind.ci import Change, ChangedFile
from devmind.errors import InvalidInput, UnreadableSource
from devmind.readers.git_log import DIFF, FORMAT, parse_diff, parse_log
from devmind.readers.git_program import DEEPEN, Git
from devmind.readers.github_changes import with_files

BRANCH_VARIABLES = (
    "GITHUB_HEAD_REF",
    "GITHUB_REF_NAME",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "CI_COMMIT_REF_NAME",
    "CHANGE_BRANCH",
    "BRANCH_NAME",
    "BUILDKITE_BRANCH",
    "CIRCLE_BRANCH",
)
"""Where CI systems say which branch a detached checkout is of, the first that is set."""

BASE_VARIABLES = (
    "GITHUB_BASE_REF",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    "CHANGE_TARGET",
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
)
"""Where CI systems say which branch a change goes into, the first that is set."""

_TEST_MERGE = re.compile(r"Merge [0-9a-f]{40,64} into [0-9a-f]{40,64}")


def read_changes(
    repo: Path, *, since: datetime | None = None, limit: int | None = None
) -> Iterator[Change]:
    """Yield the changes of all commits that HEAD holds, the newest first.

    Args:
        repo: A folder in the repository.
        since: Only commits committed after it.
        limit: At most so many.

    Raises:
        UnreadableSource: If git is missing, *repo* is no repository, has no commits or is a
            shallow clone.
        InvalidInput: If *limit* is negative or *since* has no zone.
    """
    if limit is not None and limit < 0:
        raise InvalidInput("limit", limit, "Give a number from 0.")
    if since is not None and since.tzinfo is None:
        raise InvalidInput("since", since.isoformat(), "Give it with its zone.")
    git = Git(repo)
    git.check_complete()
    selection = [f"--since={since.isoformat()}"] if since else []
    selection += [f"--max-count={limit}"] if limit is not None else []
    return parse_log(git.stream("log", *_LOG, *selection, "HEAD", "--"))


def change_between(repo: Path, base: str, head: str = "HEAD") -> Change:
    """Return what *head* changed since it left *base*.

    Args:
        repo: A folder in the repository.
        base: A branch, tag or commit; a branch may be known only as `origin/...`.
        head: The same.

    Raises:
        UnreadableSource: If one of them is unknown, or they have no common commit, as in a
            shallow clone.
    """
    git = Git(repo)
    git.check_not_empty()
    return _between(git, base, head)


def current_change(
    repo: Path,
    *,
    base: str | None = None,
    environment: Mapping[str, str] | None = None,
    files: bool = True,
) -> Change:
    """Return the change that is checked out, for a CI job to ask about.

    Of the merge commit that GitHub makes to test a pull request, it is the pull request's commit.

    Args:
        repo: A folder in the repository.
        base: What it goes into; without it *environment* says, and otherwise the files are
            those of the newest commit.
        environment: The job's variables: the branch of a detached checkout, and the base.
        files: Whether the changed files are wanted. A shallow clone has all but them.

    Raises:
        UnreadableSource: If git is missing, *repo* is no repository or has no commits; if the
            files are wanted and the clone is too shallow to tell them.
    """
    variables = environment or {}
    git = Git(repo)
    git.check_not_empty()
    target = base or _first(BASE_VARIABLES, variables)
    tip = _tip(git)
    change = replace(
        _commit(git, tip),
        branch=git.finds("symbolic-ref", "--short", "-q", "HEAD")
        or _first(BRANCH_VARIABLES, variables),
        base=target,
    )
    if not files:
        return change
    found = _between(git, target, tip).files if target else _against_parent(git)
    return with_files(change, found)


_LOG = (
    FORMAT,
    *DIFF,
    "--diff-merges=first-parent",
    "--root",
    "--encoding=UTF-8",
    "--no-color",
    "--no-show-signature",
)


def _commit(git: Git, revision: str) -> Change:
    fields = git.stream("log", FORMAT, "-z", "--no-walk", "--encoding=UTF-8", revision, "--")
    return next(parse_log(fields))


def _between(git: Git, base: str, head: str) -> Change:
    start, end = _resolve(git, base), _resolve(git, head)
    common = git.finds("merge-base", start, end)
    if common is None:
        reason = f"{base!r} and {head!r} have no commit in common"
        raise UnreadableSource(str(git.repo), reason, DEEPEN if git.is_shallow() else "Check them.")
    change = replace(_commit(git, end), base=base)
    return with_files(change, _diff(git, common, end))


def _against_parent(git: Git) -> tuple[ChangedFile, ...]:
    if git.finds("rev-parse", "--verify", "--quiet", "HEAD^1^{commit}"):
        return _diff(git, "HEAD^1", "HEAD")
    if git.is_shallow():
        reason = "a shallow clone: the commit before the newest one is not in it"
        raise UnreadableSource(str(git.repo), reason, DEEPEN)
    return _diff(git, git.ask("hash-object", "-t", "tree", "--stdin"), "HEAD")


def _diff(git: Git, start: str, end: str) -> tuple[ChangedFile, ...]:
    return parse_diff(git.stream("diff", *DIFF, start, end, "--"))


def _resolve(git: Git, revision: str) -> str:
    for name in (revision, f"origin/{revision}"):
        if not revision.startswith("-"):
            found = git.finds("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
            if found:
                return found
    reason = f"there is no branch, tag or commit {revision!r}"
    advice = DEEPEN if git.is_shallow() else "Fetch it, or name another."
    raise UnreadableSource(str(git.repo), reason, advice)


def _tip(git: Git) -> str:
    subject = git.ask("log", "-1", "--format=%s", "HEAD", "--")
    if _TEST_MERGE.fullmatch(subject):
        return git.finds("rev-parse", "--verify", "--quiet", "HEAD^2^{commit}") or "HEAD"
    return "HEAD"


def _first(names: tuple[str, ...], variables: Mapping[str, str]) -> str:
    return next((variables[name] for name in names if variables.get(name)), "")
