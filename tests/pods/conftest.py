"""Pods as processes: what they need of the machine, and what they share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.pods.image import Image
from tests.pods.network import Network

TOOLS = {"bwrap": "bubblewrap", "nft": "nftables", "ip": "iproute2", "wget": "wget"}


@pytest.fixture(name="pod_network", scope="module")
def _pod_network():
    if os.geteuid() != 0:
        pytest.skip("only root may make network namespaces, in which pods are run here")
    absent = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if absent:
        pytest.skip(f"pods cannot be run here: install Debian's packages {', '.join(absent)}")
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
    if sys.platform != "linux" or subprocess.run(command, check=False).returncode:
        pytest.skip("pods cannot be run here: no namespaces can be made")
    with Network(f"10.213.{os.getpid() % 250}") as network:
        yield network


@pytest.fixture(name="image", scope="module")
def _image(tmp_path_factory):
    return Image.built(tmp_path_factory.mktemp("image"))
