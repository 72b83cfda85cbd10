"""What histories are kept by: a key of a build, or `None` where the build does not tell."""

from __future__ import annotations

from collections.abc import Callable

from features.recent import key
from features.traits import Traits

KeyOf = Callable[[Traits], str | None]


def by_project(_traits: Traits) -> str | None:
    """All builds of the project."""
    return ""


def by_pipeline(traits: Traits) -> str | None:
    """Builds of the same pipeline."""
    return traits.pipeline


def by_branch(traits: Traits) -> str | None:
    """Builds of the same pipeline and branch or pull request."""
    return key(traits.pipeline, traits.branch) if traits.branch else None


def by_branch_kind(traits: Traits) -> str | None:
    """Builds of the same pipeline and kind of branch."""
    return key(traits.pipeline, traits.branch_kind)


def by_trigger(traits: Traits) -> str | None:
    """Builds of the same pipeline that were started for the same reason."""
    return key(traits.pipeline, traits.trigger) if traits.trigger else None


def by_author(traits: Traits) -> str | None:
    """Builds of the same pipeline and author."""
    return key(traits.pipeline, traits.author) if traits.author else None


def by_file_types(traits: Traits) -> str | None:
    """Builds of the same pipeline whose changes touch the same set of file types."""
    types = traits.file_types
    return None if types is None else key(traits.pipeline, types)


def by_kin(traits: Traits) -> str | None:
    """Builds of the same pipeline, trigger, kind of branch and set of file types."""
    words = (traits.pipeline, traits.trigger, traits.branch_kind, traits.file_types or "?")
    return key(*words)
