"""Hands files over as providers do, or as an ordered fault wants it."""

from typing import Final

from aiohttp import web

from chatfold.sandbox.exchange import World, cut, struck
from chatfold.sandbox.faults import OF_ALL, OF_FILES, Fault, FaultKind
from chatfold.sandbox.journal import Received
from chatfold.sandbox.media import File

METHOD: Final = "media"
PRIVATE: Final = "http://169.254.169.254/latest/meta-data/"
"""Where a cloud's machines learn who they are; no file is there."""

_CHUNK: Final = bytes(65_536)


async def handed_over(
    world: World, http: web.Request, *, provider: str, account: str, name: str, file: File
) -> web.StreamResponse:
    """The answer with a file's bytes, or one in its place."""
    got = await fetched(world, http, provider=provider, account=account, name=name, file=file)
    if isinstance(got, File):
        return web.Response(body=got.data, content_type=got.mime)
    return got


async def fetched(
    world: World, http: web.Request, *, provider: str, account: str, name: str, file: File
) -> File | web.StreamResponse:
    """The file as it comes over, or an answer in its place; the request is recorded."""
    received = Received(
        number=world.journal.next_number(),
        received_at=world.now(),
        provider=provider,
        account=account,
        method=METHOD,
        reference=name,
    )
    fault = await struck(world, received, _suffers)
    got = await _struck(http, fault, file)
    received.status = 200 if isinstance(got, File) else got.status
    received.accepted = received.status < 300
    world.journal.add(received)
    return await _endless(http) if fault and fault.fault is FaultKind.ENDLESS else got


def _suffers(fault: Fault) -> bool:
    """The faults of all requests befall files only where they are meant."""
    return fault.fault in OF_FILES or (fault.match.method == METHOD and fault.fault in OF_ALL)


async def _struck(http: web.Request, fault: Fault | None, file: File) -> File | web.StreamResponse:
    if fault is None:
        return file
    match fault.fault:
        case FaultKind.SLOW | FaultKind.ENDLESS:
            return file
        case FaultKind.WRONG_SHA:
            return File(_changed(file.data), file.mime)
        case FaultKind.WRONG_MIME:
            return File(file.data, "text/plain" if file.mime != "text/plain" else "image/png")
        case FaultKind.EXPIRED:
            return web.Response(status=404, text="URL signature expired")
        case FaultKind.PRIVATE_REDIRECT:
            return web.Response(status=302, headers={"location": PRIVATE})
        case kind if kind.status is not None:
            after = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
            return web.Response(status=kind.status, headers=after)
        case _:
            return cut(http)


def _changed(data: bytes) -> bytes:
    """As many bytes, of which the last is another."""
    return data[:-1] + bytes([data[-1] ^ 1]) if data else b"?"


async def _endless(http: web.Request) -> web.StreamResponse:
    """A body that goes on until nobody takes it any more."""
    response = web.StreamResponse()
    await response.prepare(http)
    try:
        while True:
            await response.write(_CHUNK)
    except ConnectionError:
        return response
