"""The root file system of a container of our image, as far as no engine is needed.

The project's files are those that the Dockerfile copies, at the places where it copies them; what
it installs, and Debian's programs, are this machine's.
"""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.image.dockerfile import context, copy, known_files, parse

VENV = Path(sys.prefix)
_OURS = f"#!{VENV}/bin/".encode()
_LINKS = ("bin", "sbin", "lib", "lib64", "lib32", "libx32")
_ETC = ("alternatives", "ld.so.cache", "localtime", "nsswitch.conf", "protocols", "services", "ssl")
_EMPTY = ("/home/devmind", "/tmp", "/var/lib/devmind", "/var/run")
_PASSWD = """\
root:x:0:0::/root:/bin/sh
postgres:x:999:999::/:/bin/sh
devmind:x:1000:1000::/home/devmind:/bin/bash
"""
_GROUP = "root:x:0:\npostgres:x:999:\ndevmind:x:1000:\n"


@dataclass(frozen=True, slots=True)
class Image:
    """A folder with what differs from this machine.

    Attributes:
        folder: It has the files of `/app`, and a few of `/etc`.
    """

    folder: Path

    @classmethod
    def built(cls, folder: Path) -> Image:
        """Carry out the Dockerfile's COPY steps in *folder*."""
        builder, _ = parse((ROOT / "Dockerfile").read_text())[0]
        app = folder / "app"
        for step in builder.all("COPY"):
            copy(ROOT, context(ROOT, known_files(ROOT)), step, app)
        (folder / "passwd").write_text(_PASSWD)
        (folder / "group").write_text(_GROUP)
        (folder / "checkout.pth").write_text("/app\n")
        _commands(folder / "bin")
        return cls(folder)

    def environment(self) -> dict[str, str]:
        """Return what the image sets."""
        _, final = parse((ROOT / "Dockerfile").read_text())[0]
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {name: value.replace("$PATH", path) for name, value in final.env().items()}

    def root(self) -> list[str]:
        """Return the options of bubblewrap that put the root together; it can still be written."""
        links = [Path("/", name) for name in _LINKS if Path("/", name).is_symlink()]
        return [
            *bound("/usr"),
            *(word for link in links for word in ("--symlink", f"usr/{link.name}", str(link))),
            *(
                word
                for name in _ETC
                if Path("/etc", name).exists()
                for word in bound(f"/etc/{name}")
            ),
            *bound("/etc/passwd", self.folder / "passwd"),
            *bound("/etc/group", self.folder / "group"),
            *bound(sys.base_prefix),
            *bound("/opt/venv", VENV),
            *bound("/opt/venv/bin", self.folder / "bin"),
            *self._installed(),
            *bound("/app", self.folder / "app"),
            *(word for name in _EMPTY for word in (*parents(name), "--dir", name)),
        ]

    def _installed(self) -> list[str]:
        """Hide this checkout behind `/app`, which is what the image has installed."""
        site = Path(sysconfig.get_path("purelib"))
        (found,) = site.glob("_devmind_pipeline.pth")
        return bound(f"/opt/venv/{found.relative_to(VENV)}", self.folder / "checkout.pth")


def _commands(folder: Path) -> None:
    """Make the commands that this environment has, as they stand in the image's."""
    folder.mkdir()
    pythons = {"python", "python3", f"python3.{sys.version_info.minor}"}
    for name in pythons:
        (folder / name).symlink_to(Path(sys.executable).resolve())
    for path in sorted(Path(VENV, "bin").iterdir()):
        text = b"" if path.name in pythons else path.read_bytes()
        if text.startswith(_OURS):
            (folder / path.name).write_bytes(text.replace(_OURS, b"#!/opt/venv/bin/", 1))
            (folder / path.name).chmod(0o755)


def bound(target: str, source: Path | None = None, *, writable: bool = False) -> list[str]:
    """Return the options that show *source* at *target*, in folders that everybody may enter."""
    bind = "--bind" if writable else "--ro-bind"
    return [*parents(target), bind, str(source or target), target]


def parents(target: str) -> list[str]:
    """Return the options that make the folders above *target*."""
    above = [str(each) for each in reversed(Path(target).parents)][1:]
    return [word for each in above for word in ("--dir", each)]
