"""Amounts as Kubernetes writes them."""

from __future__ import annotations

_UNITS = {"Ki": 2**-10, "Mi": 1.0, "Gi": 2.0**10, "Ti": 2.0**20}


def mebibytes(text: str) -> float:
    """Return an amount of memory in MiB.

    >>> mebibytes("4Gi")
    4096.0
    """
    return float(text[:-2]) * _UNITS[text[-2:]]
