"""Bundles: a folder of native model files and a manifest that vouches for each of them.

Written under a temporary name, synced and renamed, so that a bundle is whole or absent; read
with every hash checked. Nothing in it is ever unpickled.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from devmind.errors import CorruptBundle, FeatureSchemaMismatch, InvalidInput
from models.archive import pack_files, unpack_files
from models.manifest import SCHEMA, Manifest, TrainedRange, code_version, decode, encode

__all__ = [
    "Bundle",
    "Manifest",
    "TrainedRange",
    "beside",
    "code_version",
    "pack",
    "read_bundle",
    "unpack",
    "write_bundle",
]

MANIFEST = "manifest.json"
SEAL = "manifest.sha256"
SCORED = "scored-"
"""How the names of files begin that belong to the scored model."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle in memory, checked against its manifest.

    Attributes:
        name: The folder it was read from, for messages.
        manifest: What it says about itself.
        files: File name -> contents, exactly those of `manifest.files`.
        seal: SHA-256 of the manifest in hex; equal seals mean equal bundles.
    """

    name: str
    manifest: Manifest
    files: Mapping[str, bytes]
    seal: str

    def file(self, name: str) -> bytes:
        """Return a file's contents.

        Raises:
            CorruptBundle: If the manifest does not list it.
        """
        if name not in self.files:
            raise CorruptBundle(self.name, f"it has no file {name}")
        return self.files[name]

    def scored(self) -> Bundle:
        """Return the model that the scorecard speaks of.

        What ships has learned from all builds; beside it lies what was learned by the same recipe
        without the newest ones, which it was scored on. Two versions are compared by these.
        """
        if SCORED + MANIFEST not in self.files:
            return self
        files = {n.removeprefix(SCORED): b for n, b in self.files.items() if n.startswith(SCORED)}
        try:
            manifest = decode(files.pop(MANIFEST))
        except msgspec.DecodeError as error:
            raise CorruptBundle(self.name, f"{SCORED}{MANIFEST}: {error}") from error
        return Bundle(name=f"{self.name} (scored)", manifest=manifest, files=files, seal=self.seal)

    def check(self, model: str, names: Sequence[str]) -> None:
        """Refuse to serve *model* with features *names* unless it was trained for just that.

        Raises:
            CorruptBundle: If it holds another model.
            FeatureSchemaMismatch: If the features differ in name or order.
        """
        if self.manifest.model != model:
            raise CorruptBundle(self.name, f"it holds {self.manifest.model}, not {model}")
        trained, computed = self.manifest.features, tuple(names)
        if trained == computed:
            return
        missing = tuple(n for n in trained if n not in computed)
        extra = tuple(n for n in computed if n not in trained)
        if not missing and not extra:
            places = range(len(trained))
            moved = [i for i in places if trained[i : i + 1] != computed[i : i + 1]]
            missing = tuple(f"{trained[i]} (column {i})" for i in moved)
            extra = tuple(f"{computed[i]} (column {i})" for i in moved if i < len(computed))
        raise FeatureSchemaMismatch(self.name, missing, extra)


def beside(manifest: Manifest, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that `Bundle.scored` makes a bundle of, to lie beside what ships."""
    return {SCORED + MANIFEST: encode(manifest), **{SCORED + n: b for n, b in files.items()}}


def write_bundle(folder: Path, manifest: Manifest, files: Mapping[str, bytes]) -> Path:
    """Write a bundle, durable and whole on return.

    Args:
        folder: Must not exist yet; its parents are made.
        manifest: `manifest.files` is replaced by the hashes of *files*.
        files: Name (lower case letters, digits, `._-`) -> contents.

    Returns:
        *folder*.

    Raises:
        InvalidInput: If *folder* exists or a file has an odd name.
    """
    if folder.exists():
        raise InvalidInput("bundle folder", str(folder), "It exists, and bundles never change.")
    for name in files:
        _refuse_odd(name)
    hashes = {name: sha256(body).hexdigest() for name, body in sorted(files.items())}
    sealed = encode(msgspec.structs.replace(manifest, files=hashes))
    seal = sha256(sealed).hexdigest().encode()
    return _place(folder, {**files, MANIFEST: sealed, SEAL: seal})


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle and check every hash.

    Raises:
        CorruptBundle: If a file is missing, truncated or altered, or the manifest unreadable.
    """
    return _load(folder, folder.name)


def _load(folder: Path, name: str) -> Bundle:
    body = _read(folder, MANIFEST, name)
    seal = sha256(body).hexdigest()
    if _read(folder, SEAL, name).strip() != seal.encode():
        raise CorruptBundle(name, f"{MANIFEST} is not what was written")
    try:
        manifest = decode(body)
    except msgspec.DecodeError as error:
        raise CorruptBundle(name, f"{MANIFEST} cannot be read ({error})") from error
    if manifest.schema != SCHEMA:
        raise CorruptBundle(name, f"its schema is {manifest.schema}, this code reads {SCHEMA}")
    files = {file: _checked(folder, file, digest, name) for file, digest in manifest.files.items()}
    return Bundle(name=name, manifest=manifest, files=files, seal=seal)


def pack(folder: Path) -> bytes:
    """Return a bundle as one ZIP archive, for sending; equal bundles give equal bytes.

    Raises:
        CorruptBundle: If it is not whole.
    """
    bundle = read_bundle(folder)
    return pack_files(
        {MANIFEST: _read(folder, MANIFEST, folder.name), SEAL: bundle.seal.encode(), **bundle.files}
    )


def unpack(archive: bytes, folder: Path) -> Path:
    """Write the bundle that `pack` sent, checked, durable and whole on return.

    Args:
        archive: What `pack` returned, perhaps damaged, perhaps hostile.
        folder: Must not exist yet.

    Returns:
        *folder*.

    Raises:
        CorruptBundle: If it is not an archive of a whole bundle or is larger than the limits.
        InvalidInput: If *folder* exists.
    """
    if folder.exists():
        raise InvalidInput("bundle folder", str(folder), "It exists, and bundles never change.")
    files = unpack_files(archive, name=folder.name)
    for name in files:
        if not _NAME.fullmatch(name):
            raise CorruptBundle(folder.name, f"it holds a file with an odd name: {name!r}")
    return _place(folder, files, check=True)


def _place(folder: Path, files: Mapping[str, bytes], *, check: bool = False) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for name, body in files.items():
            _write(draft / name, body)
        if check:
            _load(draft, folder.name)
        _sync(draft)
        draft.rename(folder)
        _sync(folder.parent)
    except OSError as error:
        if folder.exists():
            raise InvalidInput("bundle folder", str(folder), "It exists by now.") from error
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def _write(path: Path, body: bytes) -> None:
    with path.open("xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(folder: Path, file: str, bundle: str) -> bytes:
    try:
        return (folder / file).read_bytes()
    except OSError as error:
        raise CorruptBundle(bundle, f"{file} cannot be read ({error.strerror})") from error


def _checked(folder: Path, file: str, digest: str, bundle: str) -> bytes:
    if not _NAME.fullmatch(file):
        raise CorruptBundle(bundle, f"{MANIFEST} lists an odd name: {file!r}")
    body = _read(folder, file, bundle)
    if sha256(body).hexdigest() != digest:
        raise CorruptBundle(bundle, f"{file} is not what was written ({len(body)} bytes)")
    return body


def _refuse_odd(name: str) -> None:
    if not _NAME.fullmatch(name) or name in (MANIFEST, SEAL):
        raise InvalidInput("bundle file name", name, "Use lower case letters, digits and ._-")
