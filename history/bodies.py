"""The stored form of what was queued and what came of it: the JSON of `devmind.wire`, compact.

Defaults are left out and times are UTC, so equal contents give equal bytes, whatever JSON they
came from; a digest of the bytes tells a repeat from a contradiction. Long bodies are compressed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b

import msgspec
import pyarrow as pa
from pydantic import ValidationError

from devmind.ci import BuildOutcome, QueuedBuild
from devmind.errors import InvalidInput
from devmind.wire import BuildBody, FinishBody

_COMPRESSED = b"\x01"
_WORTH_COMPRESSING = 400
_SIZE = struct.Struct("<I")
_QUEUED = msgspec.json.Decoder(QueuedBuild)
_OUTCOME = msgspec.json.Decoder(BuildOutcome)


def encode_queued(build: QueuedBuild) -> bytes:
    """Return the canonical JSON of *build*.

    Raises:
        InvalidInput: If a field is not storable: too long, a time without zone, half a character.
    """
    try:
        if build.queued_at.tzinfo is not UTC and build.queued_at.utcoffset() is not None:
            build = replace(build, queued_at=build.queued_at.astimezone(UTC))
        return BuildBody.of(build).model_dump_json(exclude_defaults=True).encode()
    except ValidationError as error:
        raise refusal(error) from None


def encode_outcome(outcome: BuildOutcome) -> bytes:
    """Return the canonical JSON of *outcome*.

    Raises:
        InvalidInput: As in `encode_queued`.
    """
    try:
        body = FinishBody.of(outcome)
        if any(at.tzinfo is not UTC for at in _times(outcome)):
            body = FinishBody.of(body.domain())
        return body.model_dump_json(exclude_defaults=True).encode()
    except ValidationError as error:
        raise refusal(error) from None


def decode_queued(body: bytes) -> QueuedBuild:
    """Return the build that `encode_queued` and `pack` made *body* of."""
    return _QUEUED.decode(unpack(body))


def decode_outcome(body: bytes) -> BuildOutcome:
    """Return the outcome that `encode_outcome` and `pack` made *body* of."""
    return _OUTCOME.decode(unpack(body))


def digest(canonical: bytes) -> bytes:
    """Return 16 bytes that stand for *canonical*."""
    return blake2b(canonical, digest_size=16).digest()


def pack(canonical: bytes) -> bytes:
    """Compress *canonical* JSON if that makes it smaller.

    Example:
        >>> unpack(pack(b'{"a": 1}' * 100)) == b'{"a": 1}' * 100, pack(b"{}")
        (True, b'{}')
    """
    if len(canonical) < _WORTH_COMPRESSING:
        return canonical
    smaller: bytes = pa.compress(canonical, codec="zstd", asbytes=True)
    packed = _COMPRESSED + _SIZE.pack(len(canonical)) + smaller
    return packed if len(packed) < len(canonical) else canonical


def unpack(body: bytes) -> bytes:
    """Undo `pack`."""
    if body[:1] != _COMPRESSED:
        return body
    start = 1 + _SIZE.size
    (size,) = _SIZE.unpack(body[1:start])
    original: bytes = pa.decompress(
        body[start:], decompressed_size=size, codec="zstd", asbytes=True
    )
    return original


def refusal(error: ValidationError) -> InvalidInput:
    """Say what pydantic found first, with the offending value."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(step) for step in first["loc"])
    return InvalidInput(field, first["input"], f"{first['msg']}.")


def _times(outcome: BuildOutcome) -> Iterator[datetime]:
    yield outcome.finished_at
    if outcome.started_at:
        yield outcome.started_at
    for job in outcome.jobs:
        yield from (at for at in (job.queued_at, job.started_at, job.finished_at) if at)
        for step in job.steps:
            yield from (at for at in (step.started_at, step.finished_at) if at)
