"""Work shared by processes: its partitions divided, and each process told its share on its input.

A process stops when its input ends, so that it never outlives whoever began it. It is in a session
of its own: Ctrl-C reaches only who began it, and who began it lets all of them go.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from chatfold import settings
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from schemas import codec

T = TypeVar("T")

Ends = Mapping[int, tuple[int, int]]
"""For each partition the first offset of the work, and the one behind the last."""

_TOLD_BYTES: Final = 4000
_END_SECONDS: Final = 30.0


def divided(ends: Ends, processes: int) -> list[dict[int, tuple[int, int]]]:
    """The partitions in parts that are about as long, none empty."""
    longest = sorted(ends, key=lambda part: ends[part][0] - ends[part][1])
    parts: list[dict[int, tuple[int, int]]] = [{} for _ in range(processes)]
    for partition in longest:
        least = min(parts, key=lambda part: sum(end - first for first, end in part.values()))
        least[partition] = ends[partition]
    return [part for part in parts if part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A module that does a share in a process of its own.

    `of` says in errors whose process it is; `hear` is told each line that it prints; it keeps the
    file descriptors of `keeps` open.
    """

    module: str
    of: str
    settings: Settings
    hear: Callable[[bytes], None] | None = None
    keeps: Sequence[int] = ()

    async def do(self, share: object, stop: asyncio.Event) -> None:
        """Until it has ended, let go by `stop`; raises `Refusal` with what it told if it fails."""
        async with self._process(share) as process:
            hearing = asyncio.create_task(self._listen(process))
            telling = asyncio.create_task(_last_words(process))
            await self._end(process, stop)
            _, told = await asyncio.gather(hearing, telling)
        if process.returncode:
            why = told or f"signal {-process.returncode}"
            raise Refusal(f"a process of {self.of} ended with {process.returncode}: {why}")

    async def _end(self, process: asyncio.subprocess.Process, stop: asyncio.Event) -> None:
        ending = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(ending, _END_SECONDS)
        except TimeoutError:
            told = f"a process of {self.of} did not end in {_END_SECONDS:.0f} s and was killed"
            raise Refusal(told) from None

    @asynccontextmanager
    async def _process(self, share: object) -> AsyncIterator[asyncio.subprocess.Process]:
        """It ends when its input does, however we end."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self.module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE if self.hear else None,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **settings.environment(self.settings)},
            start_new_session=True,
            pass_fds=tuple(self.keeps),
        )
        try:
            if process.stdin is not None:
                process.stdin.write(codec.dumps(share) + b"\n")
            yield process
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        if self.hear is not None and process.stdout is not None:
            while line := await process.stdout.readline():
                self.hear(line)


async def _last_words(process: asyncio.subprocess.Process) -> str:
    told = b""
    if process.stderr is not None:
        while line := await process.stderr.read(_TOLD_BYTES):
            told = (told + line)[-_TOLD_BYTES:]
    return told.decode(errors="replace").strip()


def told(kind: type[T]) -> T:
    """The share of this process, which from now on ends with its input and by no gentle signal."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    return codec.decode(kind, sys.stdin.buffer.readline())


@asynccontextmanager
async def until_let_go() -> AsyncIterator[asyncio.Event]:
    """An event that is set once the input of this process has ended."""
    stop = asyncio.Event()
    watching = asyncio.create_task(_stop_with_input(stop))
    try:
        yield stop
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _stop_with_input(stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()
    stop.set()
