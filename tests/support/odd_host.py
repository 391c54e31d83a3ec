"""A provider that tells where files are as Meta's Graph does, and gives them in odd ways."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.support import made_files

PRIVATE = "http://169.254.169.254/latest/meta-data"


@dataclass
class OddHost:
    """What it was asked; `url` is the base URL of an account."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    sent: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def where(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.asked[f"where {name}"] += 1
        if name == "throttled":
            return web.Response(status=429, headers={"retry-after": "7"})
        if name == "broken":
            return web.Response(status=500)
        return web.json_response({"url": self._place(name), "mime_type": "image/jpeg"})

    def _place(self, name: str) -> str:
        foreign = {"private": PRIVATE, "foreign": "https://files.example.com/a"}
        return foreign.get(name, f"{self.url}/files/{name}")

    async def file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.asked[f"file {name}"] += 1
        self.headers[name] = dict(request.headers)
        match name:
            case "endless":
                return await self._endless(request)
            case "redirect":
                raise web.HTTPFound(PRIVATE)
            case "dead":
                return web.Response(status=404)
            case "dead-once" if self.asked[f"file {name}"] == 1:
                return web.Response(status=404)
            case "cut":
                return await self._cut(request)
            case "slow":
                await self.release.wait()
        return web.Response(body=self.files.get(name, made_files.picture("JPEG")))

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:  # until the other side has had enough
            await answer.write(b"x" * 65_536)
            self.sent += 65_536

    async def _cut(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-length": "1000000"})
        await answer.prepare(request)
        await answer.write(b"x" * 1000)
        assert request.transport is not None
        request.transport.close()
        return answer


@asynccontextmanager
async def running() -> AsyncIterator[OddHost]:
    host = OddHost()
    app = web.Application()
    app.add_routes([web.get("/v/files/{name}", host.file), web.get("/v/{name}", host.where)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v"
        yield host
    finally:
        host.release.set()
        await runner.cleanup()
