"""Packed bundles, as they travel between deployments."""

from __future__ import annotations

import tempfile
from pathlib import Path

from models.bundle import Bundle, read_bundle, unpack


def open_bundle(packed: bytes, name: str) -> Bundle:
    """Unpack a bundle in a temporary folder and read it, every hash checked.

    Args:
        packed: What `models.bundle.pack` returned.
        name: `MODEL/VERSION`, for messages.

    Raises:
        CorruptBundle: If it is not a whole bundle.
    """
    with tempfile.TemporaryDirectory(prefix="devmind-bundle-") as folder:
        return read_bundle(unpack(packed, Path(folder) / name.replace("/", "-")))
