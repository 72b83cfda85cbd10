"""Durations as tools write them."""

from __future__ import annotations

import re

_GROUPED = re.compile(r"[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
_DECIMAL_COMMA = re.compile(r"\d+,\d+")


def seconds(text: str | None, limit_s: float) -> float:
    """Read a duration in seconds; a missing or empty one is 0.

    A comma separates thousands where it can (`1,234.5` as Surefire writes it, `1,234`), else it
    is a decimal comma (`0,123`).

    Raises:
        ValueError: If it is no number, NaN, negative, or over *limit_s*.

    Example:
        >>> [seconds(text, 86_400) for text in ("1,234.56", "0,5", "2e-05", "", None)]
        [1234.56, 0.5, 2e-05, 0.0, 0.0]
    """
    if not text or text.isspace():
        return 0.0
    value = float(_plain(text.strip()) if "," in text else text)
    if not 0 <= value <= limit_s:
        raise ValueError(text)
    return abs(value)


def _plain(text: str) -> str:
    if _GROUPED.fullmatch(text):
        return text.replace(",", "")
    return text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text
