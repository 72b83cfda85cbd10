"""Ends the build of the image when the PyTorch in it was made for GPUs, unless ALLOW_GPU is set."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.metadata import requires

_ADVICE = (
    "This PyTorch is made for GPUs: it wants {}. Nothing here uses one. Name PyTorch's index of "
    "CPU builds: docker build --build-arg TORCH_INDEX=ADDRESS . PyTorch's page 'Get started' "
    "shows it, after --index-url, when CPU is chosen. --build-arg ALLOW_GPU=1 takes this one."
)


def for_gpus(requirements: Iterable[str]) -> list[str]:
    """Return those of *requirements* that only a build for GPUs has.

    Example:
        >>> for_gpus(["filelock", 'nvidia-cublas-cu12==12.8; platform_system == "Linux"'])
        ['nvidia-cublas-cu12==12.8']
    """
    names = (one.split(";")[0].strip() for one in requirements if "extra ==" not in one)
    return [name for name in names if name.startswith(("nvidia-", "cuda-", "triton"))]


def main() -> None:
    """Say what is wrong and leave with 1, if anything is and was not asked for."""
    found = for_gpus(requires("torch") or ())
    if found and not os.environ.get("ALLOW_GPU"):
        sys.exit(_ADVICE.format(found[0]))


if __name__ == "__main__":
    main()
