"""Finding out what a file or folder holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from devmind.errors import InvalidInput, UnreadableSource
from devmind.readers import ghaminer, github_steps, lrts, tekton, verdicts
from devmind.readers.github import open_github
from devmind.readers.payloads import first_key
from devmind.readers.source import Source, merge
from devmind.readers.tables import read_header

Open = Callable[[Path, str | None], Source]

_OPEN: dict[str, Open] = {
    "github": open_github,
    "github-steps": github_steps.open_steps,
    "ghaminer": ghaminer.open_ghaminer,
    "verdicts": verdicts.open_verdicts,
    "lrts": lrts.open_lrts,
    "lrts-stages": partial(lrts.open_lrts, by_stage=True),
    "tekton": tekton.open_tekton,
}

_LOOKS_LIKE = {"lrts-stages": "lrts"}
"""Another reading of what looks the same; only taken when it is asked for."""

KINDS = (*_OPEN, "git")
"""What `open_source` knows; `git` has changes, but no builds."""

_DEPTH = 3
_ADVICE = (
    "Expected one of: a folder with runs/*.json of GitHub's API (kind github), a with_steps CSV"
    " (github-steps), a table of GHAminer's features (ghaminer), a verdict CSV (verdicts), a folder"
    " with training_builds.csv (lrts), Tekton's runs as `kubectl -o json` gives them (tekton);"
    " or a folder of them."
)


def open_source(path: Path, *, kind: str | None = None, project: str | None = None) -> Source:
    """Open a CI history.

    Args:
        path: A file, a project folder, or a folder of several, which are read as one in order
            of time.
        kind: One of `KINDS`; found out by looking where it is not given.
        project: The name of the project, where the one in the files will not do. Only for a
            single source.

    Raises:
        UnreadableSource: If there is nothing to read, or sources of several kinds.
        InvalidInput: If *kind* is unknown, or *project* would name several sources.
    """
    if kind is not None and kind not in KINDS:
        raise InvalidInput("kind", kind, f"Use one of {', '.join(KINDS)}.")
    if not path.exists():
        raise UnreadableSource(str(path), "no such file or folder", "Check the path.")
    found = [(path, kind)] if kind in _OPEN and path.is_file() else _find(path, kind, _DEPTH)
    if kind == "git" or (not found and is_repository(path)):
        advice = "Give the CI history; changes of a repository are read by `devmind record`."
        raise UnreadableSource(str(path), "a git repository holds changes, but no builds", advice)
    return _open_all(path, [(where, what) for where, what in found if what], project)


def _open_all(path: Path, found: list[tuple[Path, str]], project: str | None) -> Source:
    kinds = sorted({kind for _, kind in found})
    if not found:
        raise UnreadableSource(str(path), "no CI history found in it", _ADVICE)
    if len(kinds) > 1:
        advice = "Open one of its folders, or name the kind."
        raise UnreadableSource(str(path), f"it holds {' and '.join(kinds)}", advice)
    if project is not None and len(found) > 1:
        advice = f"{path} holds {len(found)} sources; open the one that is this project."
        raise InvalidInput("project", project, advice)
    sources = [_OPEN[kind](where, project) for where, kind in found]
    return sources[0] if len(sources) == 1 else merge(kinds[0], path, sources)


def _find(path: Path, kind: str | None, depth: int) -> list[tuple[Path, str | None]]:
    """Return what *path* is, or else what its children are."""
    own = _kind_of_folder(path) if path.is_dir() else _kind_of_file(path)
    if own is not None:
        wanted = kind or own
        return [(path, wanted)] if _LOOKS_LIKE.get(wanted, wanted) == own else []
    if not path.is_dir() or depth == 0:
        return []
    children = sorted(child for child in path.iterdir() if not child.name.startswith("."))
    return [one for child in children for one in _find(child, kind, depth - 1)]


def _kind_of_folder(path: Path) -> str | None:
    if (path / "runs").is_dir():
        return "github"
    if any((path / name).is_file() for name in lrts.BUILD_FILES):
        return "lrts"
    return "tekton" if any(map(tekton.looks_like, path.glob("*.json"))) else None


def _kind_of_file(path: Path) -> str | None:
    if tekton.looks_like(path):
        return "tekton"
    if path.suffix.lower() == ".json":
        return "github" if first_key(path) in ("total_count", "workflow_runs") else None
    return _kind_of_table(path) if path.suffix.lower() == ".csv" else None


def _kind_of_table(path: Path) -> str | None:
    if set(read_header(path)) >= {"job_details", "id_build"}:
        return "github-steps"
    if set(read_header(path)) >= ghaminer.COLUMNS:
        return "ghaminer"
    if set(read_header(path, verdicts.DELIMITER)) >= {"Name", "Verdict", "Cycle"}:
        return "verdicts"
    return None


def is_repository(path: Path) -> bool:
    """Whether *path* looks like a git repository, with a working tree or bare."""
    return (path / ".git").exists() or all((path / name).exists() for name in ("HEAD", "objects"))
