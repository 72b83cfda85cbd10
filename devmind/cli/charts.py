"""Small pictures made of letters."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float]) -> str:
    """Draw a curve, one letter a value, from the lowest to the highest.

    Example:
        >>> sparkline([1, 2, 3, 8])
        '▁▂▃█'
        >>> sparkline([5, 5])
        '▁▁'
    """
    if not values:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round((value - low) / span * top)] for value in values)


def bar(share: float, width: int = 20) -> str:
    """Draw a share of 1 as a bar.

    Example:
        >>> bar(0.25, 8)
        '██░░░░░░'
    """
    full = round(min(max(share, 0.0), 1.0) * width)
    return "█" * full + "░" * (width - full)


def interval(low: float, middle: float, high: float, width: int = 24) -> str:
    """Draw an interval with its median on a line that starts at zero.

    Example:
        >>> interval(50, 75, 100, 9)
        '    ├──┼─┤'
    """
    scale = (width - 1) / high if high > 0 else 0.0
    left, mark, right = (round(value * scale) for value in (low, middle, high))
    line = [" "] * left + ["├"] + ["─"] * (right - left)
    line += ["┤"]
    line[mark + (1 if mark > left else 0)] = "┼"
    return "".join(line)


def duration(seconds: float | None) -> str:
    """Write a duration as people do.

    Example:
        >>> [duration(value) for value in (0.34, 42.0, 372.0, 7500.0, None)]
        ['0.3 s', '42 s', '6 min 12 s', '2 h 05 min', '-']
    """
    if seconds is None:
        return "-"
    if seconds < 10:  # noqa: PLR2004  below it a tenth of a second counts
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{whole} s"
