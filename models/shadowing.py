"""A version that answers silently beside the champion: for how long, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_BUILDS = "devmind.shadow.builds"
_PROMOTE = "devmind.shadow.promote"
USUAL_BUILDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadowing:
    """What a shadow is to do.

    Attributes:
        version: Which version answers.
        builds: On how many finished builds it is compared with the champion.
        promote_if_better: Whether it becomes the champion then, if the gate agrees.
    """

    version: str
    builds: int
    promote_if_better: bool = False


def shadow_tags(shadowing: Shadowing) -> dict[str, str]:
    """Return the tags of a version that shadows.

    Example:
        >>> one = Shadowing(version="7", builds=20, promote_if_better=True)
        >>> tagged_shadowing("7", shadow_tags(one)) == one
        True
    """
    promote = str(shadowing.promote_if_better).lower()
    return {_BUILDS: str(shadowing.builds), _PROMOTE: promote}


def tagged_shadowing(version: str, tags: Mapping[str, str]) -> Shadowing:
    """Return what `shadow_tags` wrote; an alias set by hand has none."""
    return Shadowing(
        version=version,
        builds=int(tags.get(_BUILDS, USUAL_BUILDS)),
        promote_if_better=tags.get(_PROMOTE) == "true",
    )
