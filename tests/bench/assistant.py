"""What others feel of chats whose model takes a minute; what a reply costs beside its model.

Orders of many chats come at a steady rate to an assistant agent that asks the sandbox; a tenth of
the chats, of the same tenant or of another, have a model that takes 60 s. Told is the time from
the order in the log to the report in the log, of the others only: less the 200 ms of the model it
is the overhead. Their CPU is the agent's for all calls, by reply.
"""

import asyncio
import itertools
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop
from aiokafka import AIOKafkaConsumer

from chatfold import topics
from chatfold.eventlog import EventLog
from chatfold.sandbox import Fault, Match
from chatfold.settings import Settings
from schemas import codec, envelope
from schemas.envelope import Recorded
from schemas.inputs import JobReported
from schemas.topics import Topics
from tests.bench import common
from tests.bench.common import Child, Contender, Result, Run
from tests.support import agents, models, roles, servers, thinking
from tests.support.thinking import Scene

CHATS = 450
SLOW_CHATS = 50
BATCH, PAUSE, SECONDS = 5, 0.1, 10.0
"""Fifty a second."""

LATENCY = 0.2
SLOW_SECONDS = 60.0
SLOW = "slow"
HANG = "take your time"
APPEND_SECONDS, PENDING_BYTES = 10.0, 10_000_000

ALONE = "alone"
BESIDE = {
    ALONE: None,
    "beside a tenth that does well": (models.TENANT, "be quick"),
    "beside a tenth that takes 60 s, of the same tenant": (models.TENANT, HANG),
    "beside a tenth that takes 60 s, of another tenant": (SLOW, HANG),
}


@dataclass
class Load:
    """Orders of all chats, and when each was put into the log and reported."""

    scene: Scene
    log: EventLog
    inbox: AIOKafkaConsumer
    tenth: tuple[str, str] | None
    numbers: Iterator[int] = field(default_factory=itertools.count)
    slow_numbers: Iterator[int] = field(default_factory=itertools.count)

    async def run(self) -> list[float]:
        """The seconds that each of the others took."""
        put: dict[str, float] = {}
        reported: dict[str, float] = {}
        loop = asyncio.get_running_loop()
        reading = asyncio.create_task(self._read(reported))
        began = loop.time()
        for step in range(int(SECONDS / PAUSE)):
            await asyncio.sleep(max(0.0, began + step * PAUSE - loop.time()))
            put |= await self._order(step)
        await self._all(put, reported)
        reading.cancel()
        await asyncio.wait([reading])
        return [reported[job] - put[job] for job in put]

    async def _all(self, put: dict[str, float], reported: dict[str, float]) -> None:
        async def met() -> bool:
            return put.keys() <= reported.keys()

        await agents.eventually(met, "the others' reports", 120)

    async def _order(self, step: int) -> dict[str, float]:
        ones = [next(self.numbers) for _ in range(BATCH)]
        others = [thinking.order(one % CHATS, one) for one in ones]
        tenth = [self._slow()] if self.tenth and step % 2 == 0 else []
        topic = Topics(self.scene.settings.topic_prefix).work_reply
        records = [envelope.encode(one) for one in (*tenth, *others)]
        now = asyncio.get_running_loop().time()
        await self.log.append(topic, records, APPEND_SECONDS)
        return {one.data.job_id: now for one in others}

    def _slow(self) -> Recorded:
        number, (tenant, text) = next(self.slow_numbers), self.tenth
        return thinking.order(10_000 + number % SLOW_CHATS, number, tenant=tenant, text=text)

    async def _read(self, reported: dict[str, float]) -> None:
        async for record in self.inbox:
            told = envelope.decode(codec.INPUTS, value=record.value, headers=record.headers)
            if isinstance(told.data, JobReported):
                reported.setdefault(told.data.job_id, asyncio.get_running_loop().time())


@contextmanager
def opened(shared: Settings, name: str) -> Iterator[Callable[[], Run]]:
    """An agent of its own; yields one stretch of load."""
    folder = Path(tempfile.mkdtemp(prefix="chatfold-bench-"))
    settings = servers.isolated(shared, name, folder)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        standing = thinking.staged(settings, folder / "log", SLOW, latency=LATENCY)
        scene = runner.run(standing.__aenter__())
        inbox = agents.following(settings, Topics(settings.topic_prefix).inbox)
        log = EventLog(settings.bootstrap, max_pending_bytes=PENDING_BYTES)
        try:
            slow = Fault(fault="slow", match=Match(text=HANG), times=None, delay=SLOW_SECONDS)
            scene.box.faults.add(slow)
            with roles.running(agent := scene.agent("a")):
                agent.wait_ready()
                runner.run(log.start())
                load = Load(scene, log, runner.run(inbox.__aenter__()), BESIDE[name])
                yield lambda: _measured(runner, load, Child(agent.process))
        finally:
            runner.run(log.stop())
            runner.run(inbox.__aexit__(None, None, None))
            runner.run(standing.__aexit__(None, None, None))
            runner.run(topics.remove(settings.bootstrap, settings.topic_prefix))


def _measured(runner: asyncio.Runner, load: Load, agent: Child) -> Run:
    with common.timed(agent) as used:
        took = runner.run(load.run())
        seconds, cpu = used()
    cuts = statistics.quantiles(took, n=100)
    figures = {
        "p50_ms": cuts[49] * 1000,
        "p99_ms": cuts[98] * 1000,
        "max_ms": max(took) * 1000,
        "overhead_p50_ms": (cuts[49] - LATENCY) * 1000,
    }
    return Run(items=len(took), seconds=seconds, cpu_seconds=cpu, figures=figures)


def beside(results: list[Result]) -> list[Result]:
    """The results, each with its p99 as a multiple of that of the others alone."""
    alone = next(one.figures["p99_ms"] for one in results if one.name == ALONE)
    return [
        replace(
            one,
            figures={**one.figures, "p99_times_alone": round(one.figures["p99_ms"] / alone, 2)},
        )
        for one in results
    ]


def main() -> None:
    """Run and tell."""
    options = common.options(__doc__ or "", rounds=3)
    with common.stack() as shared:
        contenders = [Contender(name, lambda name=name: opened(shared, name)) for name in BESIDE]
        results = common.interleaved(contenders, options.rounds, warms_servers=False)
    common.tell(beside(results), ALONE, as_json=options.json)


if __name__ == "__main__":
    main()
