"""What the others feel of an account that fails: their replies alone, and beside it.

Messages of many people come at a steady rate through a decider and a delivery agent to the
sandbox; beside them as many come to an account whose every request meets one fault. Told is
the time from the message in the log to the reply at the provider, of the others only.
"""

import asyncio
import itertools
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import uvloop

from chatfold import clock, topics
from chatfold.eventlog import EventLog
from chatfold.sandbox import Fault, Match
from chatfold.settings import Settings
from schemas import envelope
from schemas.topics import Topics
from tests.bench import common
from tests.bench.common import Child, Contender, Result, Run
from tests.support import agents, delivering, roles, servers
from tests.support.delivering import Stage, Talk

TENANT, FAILING = "acme", "failing"
OTHERS = ("first", "second", "third", "fourth", "fifth")
PEOPLE = 500
BATCH, PAUSE, SECONDS = 1, 0.05, 30.0
"""Twenty a second, and as many to the account that fails: what two slow cores do with ease.

More fills them, and then the load alone, whatever becomes of it, is what the others feel.
"""
MINUTES = (1.0, 5.0, 15.0, 60.0)
"""The schedule that tenants have: what the account refused comes again after the measuring."""

ALONE = "alone"
DOING_WELL = "no fault"
"""As many messages as the failing ones, to an account that does well: what the load alone costs."""

FAULTS = (DOING_WELL, "slow", "401", "429", "500", "cut_after_read")
LATENCY = 0.02  # of a provider that does well
APPEND_SECONDS, PENDING_BYTES = 10.0, 10_000_000
SLOW_SECONDS = 60.0  # longer than anybody waits for an answer


@dataclass
class Load:
    """Messages to all accounts that do well, and to the one that fails."""

    stage: Stage
    log: EventLog
    fails: bool
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    failing: Iterator[int] = field(default_factory=itertools.count)

    async def run(self) -> list[float]:
        """The seconds that each of the others' replies took."""
        written: dict[tuple[str, int], datetime] = {}
        loop = asyncio.get_running_loop()
        began = loop.time()
        for step in range(int(SECONDS / PAUSE)):
            await asyncio.sleep(max(0.0, began + step * PAUSE - loop.time()))
            written |= await self._write()
        return await self._took(written)

    async def _write(self) -> dict[tuple[str, int], datetime]:
        ones = [next(self.numbers) for _ in range(BATCH)]
        others = [(_other(number), number) for number in ones]
        failing = [(_failing(next(self.failing)), 1) for _ in ones] if self.fails else []
        self.stage.talks |= {talk.person: talk for talk, _ in (*others, *failing)}
        inputs = [talk.says(number) for talk, number in (*failing, *others)]
        now = clock.now()
        inbox = Topics(self.stage.settings.topic_prefix).inbox
        await self.log.append(inbox, [envelope.encode(one) for one in inputs], APPEND_SECONDS)
        return {(talk.person, number): now for talk, number in others}

    async def _took(self, written: dict[tuple[str, int], datetime]) -> list[float]:
        async def met() -> bool:
            return len(self._arrived(written)) == len(written)

        await agents.eventually(met, "the others' replies", 120)
        arrived = self._arrived(written)
        return [(arrived[one] - written[one]).total_seconds() for one in written]

    def _arrived(self, written: dict[tuple[str, int], datetime]) -> dict:
        entries = (one for one in self.stage.box.journal.find() if one.account != FAILING)
        taken = {
            (str(one.to), delivering.number(one)): one.received_at
            for one in entries
            if one.accepted
        }
        return {one: taken[one] for one in written if one in taken}


def _other(number: int) -> Talk:
    person = number % PEOPLE
    return Talk(TENANT, OTHERS[person % len(OTHERS)], str(4915500000000 + person))


def _failing(number: int) -> Talk:
    """Each a person of its own: a chat in which a reply waits sends no other."""
    return Talk(TENANT, FAILING, str(4915600000000 + number))


@contextmanager
def opened(shared: Settings, fault: str | None) -> Iterator[Callable[[], Run]]:
    """A decider and an agent of their own; yields one stretch of load."""
    folder = Path(tempfile.mkdtemp(prefix="chatfold-bench-"))
    settings = servers.isolated(shared, str(fault), folder)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        standing = delivering.staged(settings, folder, latency=LATENCY)
        stage = runner.run(standing.__aenter__())
        try:
            runner.run(_prepare(stage, fault))
            with roles.running(decider := stage.decider(), agent := stage.agent()):
                decider.wait_ready()
                agent.wait_ready()
                log = EventLog(settings.bootstrap, max_pending_bytes=PENDING_BYTES)
                load = Load(stage, log, fails=fault is not None)
                runner.run(log.start())
                yield lambda: _measured(runner, load, Child(agent.process))
                runner.run(log.stop())
        finally:
            runner.run(standing.__aexit__(None, None, None))
            runner.run(topics.remove(settings.bootstrap, settings.topic_prefix))


async def _prepare(stage: Stage, fault: str | None) -> None:
    tenant = delivering.tenant(TENANT, [FAILING, *OTHERS], retry_minutes=MINUTES)
    await stage.know(tenant)
    if fault not in {None, DOING_WELL}:
        match = Match(account=FAILING)
        stage.box.faults.add(Fault(fault=fault, match=match, times=None, delay=SLOW_SECONDS))


def _measured(runner: asyncio.Runner, load: Load, agent: Child) -> Run:
    with common.timed(agent) as used:
        took = runner.run(load.run())
        seconds, cpu = used()
    cuts = statistics.quantiles(took, n=100)
    figures = {"p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000, "max_ms": max(took) * 1000}
    return Run(items=len(took), seconds=seconds, cpu_seconds=cpu, figures=figures)


def beside(results: list[Result]) -> list[Result]:
    """The results, each with its p99 as a multiple of that of the same load doing well."""
    well = next(one.figures["p99_ms"] for one in results if one.name == _named(DOING_WELL))
    return [
        replace(
            one,
            figures={**one.figures, "times_load": round(one.figures["p99_ms"] / well, 2)},
        )
        for one in results
    ]


def _named(fault: str) -> str:
    return f"beside one with {fault}"


def main() -> None:
    """Run and tell."""
    options = common.options(__doc__ or "", rounds=3, parts=FAULTS)
    faults = [one for one in FAULTS if one in {DOING_WELL, *(options.only or FAULTS)}]
    with common.stack() as shared:
        contenders = [
            Contender(name, lambda fault=fault: opened(shared, fault))
            for name, fault in ((ALONE, None), *((_named(one), one) for one in faults))
        ]
        results = common.interleaved(contenders, options.rounds, warms_servers=False)
    common.tell(beside(results), ALONE, as_json=options.json)


if __name__ == "__main__":
    main()
