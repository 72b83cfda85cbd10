"""How numbers are said in sentences."""

from __future__ import annotations


def spoken_duration(seconds: float) -> str:
    """Return a duration as people say it.

    Example:
        >>> [spoken_duration(s) for s in (0.4, 42.4, 90, 3725)]
        ['0.4 s', '42 s', '1 min 30 s', '1 h 2 min']
    """
    if seconds < 10:  # noqa: PLR2004 - below, a tenth of a second still counts
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def spoken_share(share: float) -> str:
    """Return a share in percent.

    Example:
        >>> [spoken_share(s) for s in (0.412, 0.004, 1.0)]
        ['41 %', '0.4 %', '100 %']
    """
    percent = 100 * share
    return f"{percent:.1f} %" if 0 < percent < 1 else f"{percent:.0f} %"


def spoken_ratio(ratio: float) -> str:
    """Return how often more, for ratios above 1.

    Example:
        >>> [spoken_ratio(r) for r in (1.3, 2.04, 7.6)]
        ['1.3 times as often', 'twice as often', '8 times as often']
    """
    if 1.9 <= ratio <= 2.1:  # noqa: PLR2004 - near enough to say so
        return "twice as often"
    shown = f"{ratio:.1f}" if ratio < 3 else f"{ratio:.0f}"  # noqa: PLR2004 - finer is noise
    return f"{shown} times as often"


def builds(count: int) -> str:
    """Return a count of builds.

    Example:
        >>> builds(1), builds(12)
        ('1 build', '12 builds')
    """
    return f"{count} build" if count == 1 else f"{count} builds"
