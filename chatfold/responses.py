"""Takes an answer of HTTP, and no more of it than was wanted."""

from typing import Final

import aiohttp

from providers.protocol import HttpResponse

_CHUNK: Final = 131_072


async def taken(response: aiohttp.ClientResponse, max_bytes: int) -> HttpResponse:
    """The answer, its body cut off at `max_bytes` (the rest is not read), header names lower."""
    return HttpResponse(
        status=response.status,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=await _read(response, max_bytes),
    )


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) >= max_bytes:
            response.close()
            del body[max_bytes:]
            break
    return bytes(body)
