"""What matters of pgBouncer in transaction mode: every transaction may get another server.

It always gives the one that has rested longest, so that whatever a session keeps from one
transaction to the next (prepared statements, settings, temporary tables) is found missing, or
found to be somebody else's.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

_SSL_REQUEST = 80877103


@dataclass
class Server:
    """One session with PostgreSQL."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@asynccontextmanager
async def pooled(url: str, *, servers: int = 3) -> AsyncIterator[str]:
    """The URL of a pooler before `url`."""
    parts = urlsplit(url)
    pooler = _Pooler(parts.hostname or "", parts.port or 5432, servers)
    listener = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    place = parts.netloc.rpartition("@")[0]
    try:
        yield urlunsplit(parts._replace(netloc=f"{place}@127.0.0.1:{port}"))
    finally:
        listener.close()
        await pooler.close()


class _Pooler:
    def __init__(self, host: str, port: int, servers: int) -> None:
        self.host, self.port, self.wanted = host, port, servers
        self.idle: asyncio.Queue[Server] = asyncio.Queue()
        self.all: list[Server] = []
        self.clients: set[asyncio.StreamWriter] = set()
        self.opening = asyncio.Lock()
        self.greeting = b""

    async def close(self) -> None:
        for writer in (*self.clients, *(server.writer for server in self.all)):
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients.add(writer)
        try:
            hello = await _startup(reader, writer)
            await self._open(hello)
            writer.write(self.greeting)
            await self._follow(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.clients.discard(writer)
            writer.close()

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand each transaction to the next server."""
        server: Server | None = None
        answering: asyncio.Task[None] | None = None
        while (message := await _message(reader))[:1] != b"X":
            if server is None or answering is None or answering.done():
                server = await self.idle.get()
                answering = asyncio.create_task(self._answer(server, writer))
            server.writer.write(message)

    async def _answer(self, server: Server, writer: asyncio.StreamWriter) -> None:
        """Pass on what the server says, until the transaction is over."""
        while (message := await _message(server.reader))[:1] != b"Z" or message[5:6] in b"TE":
            writer.write(message)
        self.idle.put_nowait(server)
        writer.write(message)

    async def _open(self, hello: bytes) -> None:
        async with self.opening:
            while len(self.all) < self.wanted:
                server = Server(*await asyncio.open_connection(self.host, self.port))
                server.writer.write(hello)
                self.greeting = b""
                while (message := await _message(server.reader))[:1] != b"Z":
                    self.greeting += message
                self.greeting += message
                self.all.append(server)
                self.idle.put_nowait(server)


async def _startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    while True:
        length = await reader.readexactly(4)
        rest = await reader.readexactly(int.from_bytes(length) - 4)
        if int.from_bytes(rest[:4]) != _SSL_REQUEST:
            return length + rest
        writer.write(b"N")


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return head + await reader.readexactly(int.from_bytes(head[1:]) - 4)
