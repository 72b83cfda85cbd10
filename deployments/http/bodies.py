"""Request bodies: read within limits, unpacked, and turned into what they mean."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request
from pydantic import ValidationError

from deployments.http.problems import InvalidBody
from devmind.errors import InvalidInput, TooLarge
from devmind.wire.base import Body

B = TypeVar("B", bound=Body)
_GZIP = 31
"""zlib's word for a gzip header and the largest window."""
_PIECE = 1 << 20
LARGE_BYTES = 256 * 1024
"""Longer bodies are parsed in a thread, so that others are answered meanwhile."""


async def read_body(request: Request, limit: int | None = None) -> bytes:
    """Return the body, unpacked; never more bytes of it are held than are allowed.

    Args:
        request: Whose body.
        limit: How many bytes are allowed; by default what the application's state says.

    Raises:
        TooLarge: If it is longer, packed or unpacked.
        InvalidInput: If its encoding is unknown or damaged.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise InvalidInput("Content-Encoding", encoding, "Send gzip, or nothing.")
    allowed: int = request.app.state.max_body_bytes if limit is None else limit
    body = await _stream(request, allowed)
    return body if encoding == "identity" else await asyncio.to_thread(unpack, body, allowed)


async def _stream(request: Request, limit: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge("The body", int(announced), limit)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise TooLarge("The body", len(body), limit)
    return bytes(body)


def unpack(packed: bytes, limit: int) -> bytes:
    """Unpack gzip, in pieces, so that a bomb is noticed before it goes off.

    Raises:
        TooLarge: If the result is longer than *limit*.
        InvalidInput: If *packed* is not gzip or is cut short.
    """
    body = bytearray()
    while packed:
        stream = zlib.decompressobj(_GZIP)
        rest = packed
        while not stream.eof:
            try:
                piece = stream.decompress(rest, _PIECE)
            except zlib.error as error:
                raise InvalidInput("gzip body", str(error), "Pack it again.") from error
            body += piece
            if len(body) > limit:
                raise TooLarge("The unpacked body", len(body), limit)
            rest = stream.unconsumed_tail
            if not piece and not rest and not stream.eof:
                advice = "It ends too early; was the upload cut off?"
                raise InvalidInput("gzip body", f"{len(packed)} bytes", advice)
        packed = stream.unused_data
    return bytes(body)


def parse(model: type[B], body: bytes) -> B:
    """Turn JSON into a body.

    Strings stay strings and numbers numbers; unknown fields, NaN, infinities and deep nesting are
    refused.

    Raises:
        InvalidBody: With every wrong field.
    """
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise InvalidBody.of(error, body) from error


async def read_json(request: Request, model: type[B], limit: int | None = None) -> B:
    """Read a request's body as *model*.

    Raises:
        TooLarge: As `read_body`.
        InvalidInput: As `read_body`, or if it is no such body.
    """
    body = await read_body(request, limit)
    if len(body) < LARGE_BYTES:
        return parse(model, body)
    return await asyncio.to_thread(parse, model, body)


def json_body(model: type[B], limit: int | None = None) -> Callable[[Request], Awaitable[B]]:
    """Return a dependency that reads a request's body as *model*."""

    async def read(request: Request) -> B:
        return await read_json(request, model, limit)

    return read
