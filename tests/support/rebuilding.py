"""Rebuilds for tests: in this process or in their own, and readers who look all the time."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import orjson

from chatfold import database
from chatfold.rebuilding import rebuild as rebuilding
from chatfold.rebuilding import swap, targets
from chatfold.rebuilding import target as known
from chatfold.rebuilding.asked import Asked
from chatfold.rebuilding.diff import diff as differences
from chatfold.rebuilding.rebuild import Wanted
from chatfold.rebuilding.tables import TablesTarget
from chatfold.rebuilding.target import Difference
from chatfold.settings import Settings
from projections.build import Build, Promoted
from tests.support import servers, tables

PAUSE_SECONDS = 0.02  # a reader that never rests takes the core that it is to watch
PATIENCE = timedelta(seconds=30)


class Command:
    """`chatfold projections …` in a process of its own."""

    def __init__(self, settings: Settings, log: Path, *arguments: str) -> None:
        self.out = log.with_suffix(".out")
        with log.open("ab") as err, self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chatfold", "projections", *arguments, "--json"],
                cwd=servers.ROOT,
                env=os.environ | servers.environment(settings),
                stdout=out,
                stderr=err,
            )

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def told(self) -> list:
        """What it has printed; the last line may be half of one."""
        lines = self.out.read_bytes().split(b"\n")[:-1]
        return [orjson.loads(line) for line in lines]

    def kill(self, number: int = signal.SIGKILL) -> int:
        if not self.ended:
            self.process.send_signal(number)
        return self.process.wait(60)

    async def wait(self, seconds: float = 120) -> int:
        async with asyncio.timeout(seconds):
            while not self.ended:
                await asyncio.sleep(0.05)
        return self.process.returncode


async def rebuild(settings: Settings, name: str = "tables", **how: object) -> Build:
    """To the end, in this process."""
    async with targets.opened(settings, name) as target:
        return await rebuilding.rebuild(target, wanted(**how), lambda _: None, asyncio.Event())


def wanted(*, into: str | None = None, **asked: str) -> Wanted:
    return Wanted(asked=Asked(**asked), into=into)


async def promote(settings: Settings, build: str | None = None, of: str = "tables") -> Promoted:
    async with targets.opened(settings, of) as target:
        return await swap.promote(target, build, PATIENCE)


async def roll_back(settings: Settings, of: str = "tables") -> Promoted:
    async with targets.opened(settings, of) as target:
        return await swap.roll_back(target, None, PATIENCE)


async def diff(
    settings: Settings, first: str, second: str, *, catches_up: bool = True, of: str = "tables"
) -> Difference:
    async with targets.opened(settings, of) as target:
        return await differences(target, first, second, catches_up=catches_up, limit=5)


async def dump(settings: Settings, build: str) -> tables.Dump:
    """Every row of a build."""
    async with targets.opened(settings, "tables") as target:
        schema = await schema_of(target, build)
        return await tables.dump(settings.database, schema)


async def schema_of(target: TablesTarget, build: str) -> str:
    return target.of.schema(await known.get(target, build))


async def run(settings: Settings, *statements: str) -> list:
    """The rows of the last of the statements."""
    connection = await database.connect(settings.database)
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL search_path TO {settings.database_schema}")
            found = [await connection.fetch(statement) for statement in statements]
        return found[-1]
    finally:
        await connection.close()


class Reader:
    """Somebody who looks all the time, in one way; it never sees less than before."""

    def __init__(self, settings: Settings, *statements: str, isolation: str | None = None) -> None:
        self._settings = settings
        self._statements = statements
        self._isolation = isolation
        self.looks = 0
        self.longest = 0.0
        self.shrunk: list[tuple[int, int]] = []
        self.seen = [0] * len(statements)

    async def look(self, stop: asyncio.Event) -> None:
        connection = await database.connect(self._settings.database)
        path = f"SET LOCAL search_path TO {self._settings.database_schema}"
        try:
            while not stop.is_set():
                began = time.monotonic()
                async with connection.transaction(isolation=self._isolation):
                    await connection.execute(path)
                    for number, statement in enumerate(self._statements):
                        self._judge(number, await connection.fetchval(statement))
                self.longest = max(self.longest, time.monotonic() - began)
                self.looks += 1
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await connection.close()

    def _judge(self, number: int, found: int) -> None:
        if found < self.seen[number]:
            self.shrunk.append((self.seen[number], found))
        self.seen[number] = max(found, self.seen[number])


COUNT_MESSAGES = "SELECT count(*) FROM messages"
COUNT_IN_VIEW = "SELECT coalesce(sum(messages), 0)::bigint FROM message_statistics"
COUNT_LOG = (
    "SELECT sum(attempts)::bigint FROM (SELECT count(*) AS attempts FROM sent_messages_log) l"
)
COUNT_MERGED = """
SELECT count(*) FROM chats c, LATERAL (SELECT surviving_chat(c.chat_id) AS found) s
WHERE s.found IS NOT NULL
"""


def readers(settings: Settings) -> Sequence[Reader]:
    """Tables, views and functions, by themselves and one after the other in a transaction."""
    return (
        Reader(settings, COUNT_MESSAGES),
        Reader(settings, COUNT_IN_VIEW, COUNT_LOG),
        Reader(settings, COUNT_MERGED),
        Reader(settings, COUNT_IN_VIEW, COUNT_MESSAGES, isolation="repeatable_read"),
    )


@contextlib.asynccontextmanager
async def watched(settings: Settings) -> AsyncIterator[Sequence[Reader]]:
    """Readers who look while the block runs; an error of one of them is raised."""
    looking, stop = readers(settings), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for reader in looking:
            group.create_task(reader.look(stop))
        try:
            yield looking
        finally:
            stop.set()
