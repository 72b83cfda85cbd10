"""ZIP archives of a few flat files, read with limits: what travels between deployments."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

from devmind.errors import CorruptBundle

MAX_FILES = 256
MAX_BYTES = 1 << 30
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack_files(files: Mapping[str, bytes]) -> bytes:
    """Return *files* as a ZIP archive; equal files give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, body in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            archive.writestr(entry, body, zipfile.ZIP_DEFLATED, compresslevel=1)
    return out.getvalue()


def unpack_files(
    body: bytes, *, name: str, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES
) -> dict[str, bytes]:
    """Return the files of a ZIP archive, in memory, never on disk.

    Args:
        body: The archive, perhaps damaged, perhaps hostile.
        name: What to call it in messages.
        max_files: Most entries it may have.
        max_bytes: Most bytes it may hold, counted while unpacking, whatever its headers claim.

    Raises:
        CorruptBundle: If it is no archive, over a limit, or has a folder, link or repeated name.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entries = archive.infolist()
            _refuse_odd(entries, name, max_files)
            return _contents(archive, entries, name, max_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise CorruptBundle(name, f"it is not a whole archive ({error})") from error
    except RuntimeError as error:  # zipfile's word for an encrypted entry
        raise CorruptBundle(name, f"it cannot be unpacked ({error})") from error


def _refuse_odd(entries: list[zipfile.ZipInfo], name: str, max_files: int) -> None:
    if len(entries) > max_files:
        raise CorruptBundle(name, f"it holds {len(entries)} files, at most {max_files} are read")
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        raise CorruptBundle(name, "it holds a file twice")
    for entry in entries:
        kind = entry.external_attr >> 28
        if "/" in entry.filename or "\\" in entry.filename or kind not in (0, 8):
            raise CorruptBundle(name, f"{entry.filename!r} is not a plain file")


def _contents(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str, max_bytes: int
) -> dict[str, bytes]:
    files, left = {}, max_bytes
    for entry in entries:
        with archive.open(entry) as file:
            body = file.read(left + 1)
        left -= len(body)
        if left < 0:
            raise CorruptBundle(name, f"it unpacks to more than {max_bytes} bytes")
        files[entry.filename] = body
    return files
