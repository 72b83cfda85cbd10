"""When history is too thin to answer from."""

from __future__ import annotations

from models.phrases import builds


def why_thin(project: str, finished: int, *, as_of: int, needed: int) -> str | None:
    """Say why a project's history is too thin for an answer of its own; `None` when it is not.

    Args:
        project: The project.
        finished: Builds of it that have passed or failed.
        as_of: Sequence of the project's newest event.
        needed: Finished builds a project needs.
    """
    if not as_of:
        return f"Project {project!r} was never seen: record its builds, or import its history."
    if finished < max(needed, 1):
        have = builds(finished)
        return f"{have} of {project!r} have finished, {max(needed, 1)} are needed."
    return None
