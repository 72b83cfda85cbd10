"""The folder of kept examples: Parquet by project and month, manifests, frozen states.

    project=shop/month=2026-05/0000000000-0000004096-1f0c2a7e.parquet
    project=shop/_manifest.json, _states/..., _commits/...

Readers of partitioned Parquet see the months alone, as names that start with `_` are not theirs.
A file is written under another name, synced and renamed; its name holds its hash, so a file never
changes, and what a manifest names is whole or damaged, never half new.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b, sha256
from pathlib import Path
from urllib.parse import quote

import structlog

from devmind.errors import FolderUnwritable
from training.example_manifest import ExampleManifest, KeptFile, decode, encode

log = structlog.get_logger(__name__)

SETTING = "DEVMIND_EXAMPLES"
MANIFEST = "_manifest.json"
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")
_LONGEST = 100
_LOOK_S = 1.0


def folder_name(project: str) -> str:
    """Return a name for a project's folder that every file system takes and no other project has.

    Example:
        >>> folder_name("shop"), folder_name("acme/Shop")
        ('project=shop', 'project=acme%2FShop~1b9738be')
    """
    if _PLAIN.fullmatch(project):
        return f"project={project}"
    digest = blake2b(project.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"project={quote(project, safe='', errors='replace')[:_LONGEST]}~{digest}"


@contextmanager
def locked(folder: Path, *, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold *folder* alone: two jobs at once take turns. The lock ends with the process.

    Args:
        folder: Is made if it is not there.
        on_wait: Told every second who has it; may raise to give up.

    Raises:
        FolderUnwritable: If there can be no lock file.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "_lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while not _taken(lock):
            on_wait(os.pread(lock, 200, 0).decode("utf-8", "replace") or "another job")
            time.sleep(_LOOK_S)
        owner = f"process {os.getpid()} on {socket.gethostname()}".encode()
        with writing(folder):
            os.ftruncate(lock, 0)
            os.pwrite(lock, owner, 0)
        yield
    finally:
        os.close(lock)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the operating system says of a full or read-only disk into words for people.

    Raises:
        FolderUnwritable: If it does.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise FolderUnwritable(str(folder), reason, SETTING) from error


class ProjectFolder:
    """The files of one project's examples.

    Args:
        root: Of all projects' examples of a kind.
        project: The project.
    """

    def __init__(self, root: Path, project: str) -> None:
        self.root = root
        self.project = project
        self.folder = root / folder_name(project)

    def manifest(self) -> ExampleManifest | None:
        """Return what was kept last; `None`, with a warning, if that cannot be told."""
        path = self.folder / MANIFEST
        try:
            found = decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("manifest of examples is damaged", path=str(path), reason=str(error))
            return None
        return found if found.project == self.project else None

    def save(self, manifest: ExampleManifest) -> None:
        """Write *manifest* in place of the one before.

        Raises:
            FolderUnwritable: If the disk does not take it; the one before stays.
        """
        draft = self.draft(MANIFEST)
        with writing(self.root), self.cleared(draft):
            draft.write_bytes(encode(manifest))
            _synced(draft)
            draft.rename(self.folder / MANIFEST)
            _synced(self.folder)

    def keep(self, path: str, body: bytes) -> KeptFile:
        """Write *body* to a file called *path* and its hash.

        Raises:
            FolderUnwritable: If the disk does not take it.
        """
        draft = self.draft(path)
        with writing(self.root), self.cleared(draft):
            draft.write_bytes(body)
            return self.adopt(draft, path, rows=0)

    def adopt(self, draft: Path, path: str, *, rows: int) -> KeptFile:
        """Sync *draft* and give it its name: *path*, in which `*` stands for the hash."""
        digest, size = _hashed(draft)
        named = path.replace("*", digest[:8])
        final = self.folder / named
        _synced(draft)
        draft.rename(final)
        _synced(final.parent)
        return KeptFile(path=named, size_bytes=size, sha256=digest, rows=rows)

    def draft(self, path: str) -> Path:
        """Return where a file called *path* is written before it gets its name."""
        final = self.folder / path
        with writing(self.root):
            final.parent.mkdir(parents=True, exist_ok=True)
        return final.with_name(f".{os.getpid()}-{final.name.replace('*', '')}.draft")

    @contextmanager
    def cleared(self, draft: Path) -> Iterator[None]:
        """Remove *draft* if it does not come to be a file."""
        try:
            yield
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def read(self, file: KeptFile) -> bytes | None:
        """Return a file's contents; `None`, with a warning that names it, if they are damaged."""
        path = self.folder / file.path
        try:
            body = path.read_bytes()
        except OSError as error:
            log.warning("kept file is missing", path=str(path), reason=error.strerror)
            return None
        if sha256(body).hexdigest() != file.sha256:
            log.warning("kept file was altered", path=str(path), size_bytes=len(body))
            return None
        return body

    def intact(self, file: KeptFile) -> bool:
        """Whether a file is what its manifest says; warns, and names it, if it is not."""
        path = self.folder / file.path
        try:
            size = path.stat().st_size
            whole = size == file.size_bytes and _hashed(path)[0] == file.sha256
        except OSError as error:
            log.warning("examples are missing", path=str(path), reason=error.strerror)
            return False
        if not whole:
            log.warning("examples were truncated or altered", path=str(path), size_bytes=size)
        return whole

    def remove(self, file: KeptFile) -> None:
        """Remove a file that no manifest names any more."""
        (self.folder / file.path).unlink(missing_ok=True)

    def sweep(self, manifest: ExampleManifest) -> None:
        """Remove files that *manifest* does not name."""
        named = {self.folder / file.path for file in manifest.files} | {self.folder / MANIFEST}
        for path in sorted(self.folder.rglob("*"), reverse=True):
            if path.is_file() and path not in named:
                path.unlink(missing_ok=True)
            elif path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _hashed(path: Path) -> tuple[str, int]:
    digest, size = sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def _synced(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
