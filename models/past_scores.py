"""What running corrections begin with: a model's own past, kept in its bundle.

An inner model was asked about builds it had not learned from. Its scores of these, beside what
came of them, are the first evidence of how far the model is off in a project.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from models.running_correction import BUILDS

Floats = NDArray[np.float64]
Past = Mapping[str, tuple[Floats, NDArray[np.bool_]]]
"""Project -> raw logits (m,) of builds in the order of finishing, and whether each failed (m,)."""

NOTHING: tuple[Floats, NDArray[np.bool_]] = (np.zeros(0), np.zeros(0, dtype=np.bool_))


def write_past(past: Past) -> bytes:
    """Return the newest `BUILDS` of each project as a safetensors file.

    Equal pasts give equal bytes. Builds lie one after the other by project, projects in the order
    of their names.
    """
    names = sorted(past)
    kept = [(past[name][0][-BUILDS:], past[name][1][-BUILDS:]) for name in names]
    return save_tensors(
        {
            "logits": np.concatenate([NOTHING[0], *(logits for logits, _ in kept)]),
            "failed": np.concatenate([NOTHING[1], *(f for _, f in kept)]).astype(np.uint8),
            "builds": np.array([len(logits) for logits, _ in kept], dtype=np.int64),
            "names": np.frombuffer("\n".join(map(quote, names)).encode(), dtype=np.uint8),
        }
    )


def read_past(body: bytes) -> Past:
    """Return what `write_past` wrote.

    Raises:
        ValueError, KeyError, safetensors.SafetensorError: If *body* is something else.
    """
    tensors = load_tensors(body)
    names = [unquote(name) for name in tensors["names"].tobytes().decode().split("\n") if name]
    ends = np.cumsum(tensors["builds"])
    found = {}
    for name, begin, end in zip(names, ends - tensors["builds"], ends, strict=True):
        failed = tensors["failed"][begin:end].astype(np.bool_)
        found[name] = (tensors["logits"][begin:end].astype(np.float64), failed)
    return found
