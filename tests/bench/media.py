"""What the media agent costs for each file, apart from the model: storing, reading, asking.

Orders for files of which no two are alike go through an agent as a process; providers and models
are the sandbox, which answers at once. CPU is that of the agent and of its readers together.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path

import uvloop

from chatfold import topics
from chatfold.settings import Settings
from schemas.content import JobKind, StoredMedia
from schemas.envelope import Recorded
from schemas.work import Order
from tests.bench import common
from tests.bench.common import Child, Contender, Run
from tests.support import made_files, media, roles, servers
from tests.support.media import Scene

FILES = 200
CHATS = 50
DEADLINE = 120.0

STORE_VOICE = "store a voice note of 8 kB"
STORE_PHOTO = "store a photo of 12 megapixels"
STORE_LARGE = "store 10 MB"
EXTRACT = "read a document of 10 pages"
TRANSCRIBE = "have a voice note transcribed"

_TICKS = os.sysconf("SC_CLK_TCK")


class Group(Child):
    """A process that leads a group, and all that is in it."""

    def cpu_seconds(self) -> float:
        """User and system time of all of them so far."""
        return sum(map(_used_by, _members(self.process.pid)))


def _members(leader: int) -> Iterator[list[str]]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            told = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if int(told[2]) == leader:
            yield told


def _used_by(told: list[str]) -> float:
    return (int(told[11]) + int(told[12])) / _TICKS


@dataclass
class Load:
    """Files of one kind, each with something at its end that makes it another."""

    scene: Scene
    kind: JobKind
    mime: str
    data: bytes
    files: int = FILES
    numbers: Iterator[int] = field(default_factory=count)

    async def orders(self) -> list[Recorded[Order]]:
        """As many as there are files; what is to be read is stored before."""
        return [await self._order(next(self.numbers)) for _ in range(self.files)]

    async def _order(self, number: int) -> Recorded[Order]:
        data = self.data + b"%d" % number
        if self.kind is JobKind.STORE:
            reference = self.scene.put(f"file{number % self.files}", data)
            return media.order(number % CHATS, number, reference=reference)
        key = await self.scene.files.put(media.TENANT, data, self.mime)
        stored = StoredMedia(
            key=key, sha256=sha256(data).hexdigest(), mime=self.mime, size=len(data)
        )
        return media.order(number % CHATS, number, kind=self.kind, stored=stored)


@contextmanager
def opened(
    shared: Settings, name: str, make: Callable[[Scene], Load]
) -> Iterator[Callable[[], Run]]:
    """An agent of its own; yields one round of files."""
    folder = Path(tempfile.mkdtemp(prefix="chatfold-bench-"))
    settings = servers.isolated(shared, name, folder)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        standing = media.staged(settings, folder / "agent.log")
        scene = runner.run(standing.__aenter__())
        try:
            with roles.running(agent := scene.agent()):
                agent.wait_ready()
                load = make(scene)
                yield lambda: _measured(runner, load, Group(agent.process))
        finally:
            runner.run(standing.__aexit__(None, None, None))
            runner.run(topics.remove(settings.bootstrap, settings.topic_prefix))


def _measured(runner: asyncio.Runner, load: Load, agent: Child) -> Run:
    orders = runner.run(load.orders())
    with common.timed(agent) as used:
        told = runner.run(load.scene.told(orders, DEADLINE))
        seconds, cpu_seconds = used()
    failed = [one.error_code for one in told if one.error_code]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(told)} jobs failed: {set(failed)}")
    return Run(len(told), seconds, cpu_seconds)


def contenders(shared: Settings, files: int = FILES) -> list[Contender]:
    """Each kind of file; of the large ones there are fewer."""
    photo = made_files.picture("JPEG", width=4000, height=3000)
    document = made_files.pdf(*["Forty words of text on each page. " * 6] * 10)
    kinds = {
        STORE_VOICE: (JobKind.STORE, "audio/ogg", made_files.voice(40.0), files),
        STORE_PHOTO: (JobKind.STORE, "image/jpeg", photo, files),
        STORE_LARGE: (JobKind.STORE, "video/mp4", _video(), max(1, files // 40)),
        EXTRACT: (JobKind.EXTRACT, "application/pdf", document, files),
        TRANSCRIBE: (JobKind.TRANSCRIBE, "audio/ogg", made_files.voice(40.0), files),
    }

    def contender(name: str) -> Contender:
        kind, mime, data, number = kinds[name]
        return Contender(
            name, lambda: opened(shared, name, lambda scene: Load(scene, kind, mime, data, number))
        )

    return [contender(name) for name in kinds]


def _video() -> bytes:
    return b"\x00\x00\x00\x18ftypisom" + bytes(10_000_000)


def main() -> None:
    """Measure and tell."""
    chosen = common.options(__doc__, rounds=3)
    with common.stack() as shared:
        results = common.interleaved(contenders(shared), chosen.rounds)
    common.tell(results, STORE_VOICE, as_json=chosen.json)


if __name__ == "__main__":
    main()
