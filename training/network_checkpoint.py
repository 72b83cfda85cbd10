"""How far an ensemble has come: members that are done, and the one under way.

All of it is arrays in one safetensors file, what the optimizer remembers included: nothing that
comes back from a store is unpickled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training.network_member import State

_FILE = "members.safetensors"
_EPOCH = "now/epoch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What is kept at the end of an epoch.

    Attributes:
        done: Parameters of the members that are trained.
        epoch: Epochs of the member under way; 0 if none is.
        weights: Its parameters.
        moments: What its optimizer remembers.
    """

    done: tuple[State, ...] = ()
    epoch: int = 0
    weights: State = field(default_factory=dict)
    moments: State = field(default_factory=dict)


def write_progress(folder: Path, progress: Progress) -> None:
    """Write *progress* into *folder*."""
    from safetensors.numpy import save_file  # noqa: PLC0415 - slow, and only training pays for it

    parts = {f"done/{i}": state for i, state in enumerate(progress.done)}
    parts |= {"now/weights": progress.weights, "now/moments": progress.moments}
    tensors = {f"{part}/{name}": a for part, state in parts.items() for name, a in state.items()}
    save_file({**tensors, _EPOCH: np.array([progress.epoch])}, folder / _FILE)


def read_progress(folder: Path) -> Progress:
    """Read what `write_progress` wrote.

    Raises:
        safetensors.SafetensorError: If the file is damaged.
        FileNotFoundError: If there is none.
    """
    from safetensors.numpy import load_file  # noqa: PLC0415 - as above

    tensors = load_file(folder / _FILE)
    epoch = int(tensors.pop(_EPOCH)[0])
    parts: dict[str, State] = {}
    for key, value in tensors.items():
        first, second, name = key.split("/", 2)
        parts.setdefault(f"{first}/{second}", {})[name] = value
    weights, moments = parts.pop("now/weights", {}), parts.pop("now/moments", {})
    done = (parts[f"done/{i}"] for i in range(len(parts)))
    return Progress(done=tuple(done), epoch=epoch, weights=weights, moments=moments)
