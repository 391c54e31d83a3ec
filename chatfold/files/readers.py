"""Reader processes: as many as there are cores, each with a bound of time and memory.

One that dies of a file, or takes too long, is ended and replaced; the file is the one to blame.
"""

import asyncio
import logging
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType
from typing import Final, Self

from chatfold.files import metrics
from chatfold.files.tasks import (
    LENGTH,
    Answer,
    AnyTask,
    Page,
    Picture,
    ReadDocument,
    Refused,
    Thumbnail,
    decode_answer,
    encode,
    length,
)
from schemas.job_failures import JobFailureCode

logger = logging.getLogger(__name__)

SECONDS: Final = MappingProxyType({Thumbnail: 15, Picture: 20, Page: 30, ReadDocument: 60})
"""What a file may take; each is some hundred times what honest ones do."""

START_SECONDS: Final = 30.0
MEMORY: Final = 1_500_000_000
"""Of address space: a fifth of it is the libraries'."""

FILES_EACH: Final = 500
"""After so many files a reader is replaced, with whatever they have left in it."""

_NAMES: Final = MappingProxyType(
    {Thumbnail: "thumbnail", Picture: "picture", Page: "page", ReadDocument: "document"}
)


class Lost(Exception):
    """The reader is no more; `how` is a word for the metrics."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many read at a time, the memory of each, and the seconds of each file (None: usual)."""

    readers: int = 0
    memory: int = MEMORY
    seconds: int | None = None

    @property
    def places(self) -> int:
        """Readers: as many as cores, if none are named; two at least, so that none has all."""
        return max(2, self.readers or os.cpu_count() or 1)

    @property
    def share(self) -> int:
        """Of one account: always one fewer than there are."""
        return self.places - 1

    def seconds_of(self, task: AnyTask) -> int:
        """What a task may take."""
        return self.seconds or SECONDS[type(task)]


class Readers:
    """Hands files to readers; `async with` starts the first, and ends all."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._idle: list[Reader] = []
        self._all: set[Reader] = set()
        self._places = asyncio.Semaphore(limits.places)
        self._shares = defaultdict[str, asyncio.Semaphore](
            lambda: asyncio.Semaphore(limits.share),
        )

    async def __aenter__(self) -> Self:
        """See that readers start; raises `Lost`."""
        first = await self._started()
        async with asyncio.timeout(START_SECONDS):
            await first.ask(ReadDocument(longest=1), b"", int(START_SECONDS))
        self._idle.append(first)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End them all."""
        await asyncio.gather(*(one.end() for one in self._all))

    async def ask(self, whose: str, task: AnyTask, data: bytes) -> Answer:
        """What a reader finds; what it dies of, or does not end with, is refused."""
        with metrics.WAITING.track_inprogress():
            await self._shares[whose].acquire()
            try:
                await self._places.acquire()
            except asyncio.CancelledError:
                self._shares[whose].release()
                raise
        try:
            return await self._ask(task, data)
        finally:
            self._places.release()
            self._shares[whose].release()

    async def _ask(self, task: AnyTask, data: bytes) -> Answer:
        name, began = _NAMES[type(task)], perf_counter()
        seconds = self._limits.seconds_of(task)
        try:
            async with self._reader() as reader:
                return await reader.ask(task, data, seconds)
        except Lost as lost:
            metrics.LOST.labels(name, lost.how).inc()
            logger.warning("a reader %s at a %s of %s bytes", lost.how, name, len(data))
            return _blamed(lost, seconds)
        finally:
            metrics.SECONDS.labels(name).observe(perf_counter() - began)

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator["Reader"]:
        """A reader, which is ended if anything comes between."""
        reader = self._idle.pop() if self._idle else await self._started()
        try:
            yield reader
        except BaseException:
            self._all.discard(reader)
            await reader.end()
            raise
        if reader.files < FILES_EACH:
            self._idle.append(reader)
        else:
            self._all.discard(reader)
            await reader.end()

    async def _started(self) -> "Reader":
        seconds = 2 * self._limits.seconds_of(ReadDocument(longest=1))  # if we are no more
        reader = await Reader.started(seconds, self._limits.memory)
        self._all.add(reader)
        return reader


class Reader:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.files = 0

    @classmethod
    async def started(cls, seconds: int, memory: int) -> "Reader":
        """A process without our environment, in which secrets are."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "chatfold.files.worker",
            str(seconds),
            str(memory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"LANG": "C.UTF-8"},
        )
        return cls(process)

    async def ask(self, task: AnyTask, data: bytes, seconds: int) -> Answer:
        """What it finds; raises `Lost`."""
        self.files += 1
        try:
            async with asyncio.timeout(seconds):
                return decode_answer(await self._answer(encode(task), data))
        except TimeoutError:
            raise Lost("stopped") from None
        except (ConnectionError, asyncio.IncompleteReadError):
            raise Lost("died") from None

    async def _answer(self, task: bytes, data: bytes) -> bytes:
        asked, answers = self._process.stdin, self._process.stdout
        if asked is None or answers is None:
            raise Lost("died")
        asked.write(length(len(task)) + task + length(len(data)))
        asked.write(data)
        await asked.drain()
        count = int.from_bytes(await answers.readexactly(LENGTH))
        return await answers.readexactly(count)

    async def end(self) -> None:
        """Return when it is no more."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


def _blamed(lost: Lost, seconds: int) -> Refused:
    if lost.how == "stopped":
        return Refused(JobFailureCode.UNREADABLE, f"it takes longer than {seconds} s to read")
    return Refused(JobFailureCode.UNREADABLE, "a reader died of this file")
