"""Reads the body of a REST request within its limits."""

from __future__ import annotations

import asyncio
import zlib

from starlette.requests import Request

from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.settings import Settings

GZIP = 16 + zlib.MAX_WBITS


async def read_body(request: Request, settings: Settings) -> bytes:
    """Returns the body, decompressed where its headers say that it is gzip.

    Raises:
        RequestError: If it is too large, takes too long, or is compressed otherwise.
    """
    limit = settings.max_body_bytes
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise RequestError(f"Content-Encoding {encoding} is not supported: use gzip", http=415)
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(settings.timeout_seconds):
            body = await _received(request, limit)
    except TimeoutError as error:
        raise RequestError("The body of the request took too long", http=408) from error
    return body if encoding == "identity" else decompress(body, limit)


def decompress(body: bytes, limit: int) -> bytes:
    """Returns what a gzip body holds; stops as soon as that is more than the limit.

    Raises:
        RequestError: If it is larger, or no gzip.
    """
    decompressor = zlib.decompressobj(GZIP)
    try:
        data = decompressor.decompress(body, limit + 1)
    except zlib.error as error:
        raise RequestError(f"The body must be gzip: {error}") from error
    if len(data) > limit:
        raise _too_large(limit)
    if not decompressor.eof:
        raise RequestError("The body must be gzip: it ends too early")
    return data


async def _received(request: Request, limit: int) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> RequestError:
    return RequestError(f"The body must not exceed {limit} bytes", http=413)
