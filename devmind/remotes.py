"""What the address of a git repository says."""

from __future__ import annotations

import re


def repository(url: str) -> str:
    """Return `owner/name` from the address of a git repository, or nothing.

    Example:
        >>> repository("git@git.example.org:shop/web.git")
        'shop/web'
        >>> repository("https://git.example.org/team/shop/web")
        'team/shop/web'
    """
    without_scheme = re.sub(r"^[a-z+]+://[^/]+/|^[^/@]+@[^:/]+:", "", url.strip())
    if without_scheme == url.strip():
        return ""
    return without_scheme.strip("/").removesuffix(".git")
