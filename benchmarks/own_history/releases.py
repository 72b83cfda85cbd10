"""The releases of a package: source distributions from the package index, as trees of files."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.own_history.developer import Files
from devmind.errors import UnreadableSource

_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package whose source distributions hold their tests.

    Attributes:
        name: In the package index.
        versions: The releases, the oldest first.
        modules: Folder of its modules.
        tests: Folder of its tests.
        importable_from: Folder that its tests import it from.
        options: Of pytest, beyond the folder of tests.
    """

    name: str
    versions: tuple[str, ...]
    modules: str
    tests: str
    importable_from: str = "."
    options: tuple[str, ...] = ()


def read_releases(package: Package, folder: Path) -> Iterator[tuple[str, Files]]:
    """Yield each release's version and files, downloaded by pip unless *folder* has them.

    Raises:
        UnreadableSource: If a release cannot be downloaded or is no source archive.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for version in package.versions:
        archive = _archive(package.name, version, folder)
        try:
            yield version, _files(archive)
        except (tarfile.TarError, OSError) as error:
            advice = "Delete it and run again."
            raise UnreadableSource(str(archive), f"no source archive ({error})", advice) from error


def _archive(name: str, version: str, folder: Path) -> Path:
    pattern = f"{name.replace('-', '[-_]')}-{version}.tar.gz"
    if not (found := list(folder.glob(pattern))):
        _download(f"{name}=={version}", folder)
        found = list(folder.glob(pattern))
    if not found:
        reason = "pip downloaded it, but no .tar.gz came"
        raise UnreadableSource(f"{name} {version}", reason, "Name another release.")
    return found[0]


def _download(requirement: str, folder: Path) -> None:
    options = ("--no-deps", "--no-binary", ":all:", "--quiet", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "download", *options, "-d", str(folder), requirement]
    advice = "This benchmark needs the package index once; afterwards --cache keeps what it gave."
    try:
        subprocess.run(  # noqa: S603 - fixed program, no shell
            command, check=True, capture_output=True, text=True, timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        reason = f"pip did not download it within {_TIMEOUT_S:.0f} s"
        raise UnreadableSource(requirement, reason, advice) from error
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip() or "pip said nothing").splitlines()[-1]
        raise UnreadableSource(requirement, f"pip could not download it: {last}", advice) from error


def _files(archive: Path) -> Files:
    """Return the files of a source archive without the folder they all lie in."""
    with tarfile.open(archive) as tree:
        found: dict[str, bytes] = {}
        for member in tree:
            path = member.name.partition("/")[2]
            if member.isfile() and path and (stream := tree.extractfile(member)):
                found[path] = stream.read()
    return found
