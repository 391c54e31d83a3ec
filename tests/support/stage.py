"""A delivery agent's surroundings, and the laws that hold whatever happens to it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chatfold import clock, migrate
from chatfold.sandbox import Sandbox, running
from chatfold.settings import Settings
from schemas.content import SendOutcome
from schemas.envelope import Recorded
from schemas.inputs import SendReported
from schemas.work import Order
from tests.support import agents, kafka
from tests.support.agents import Agent


@dataclass
class Scene:
    """Topics, tables, a tenant and the sandbox, ready for an agent."""

    settings: Settings
    box: Sandbox
    log: Path

    def agent(self, instance: str | None = None, **env: str) -> Agent:
        return Agent("delivery", self.settings, self.log, instance, **env)

    def got(self, chat: int) -> list[str]:
        """The texts that the sandbox took for a chat, in order."""
        entries = self.box.journal.find(to=agents.person(chat))
        return [entry.text for entry in entries if entry.accepted]

    @property
    def received(self) -> int:
        """How many requests the sandbox has received."""
        return self.box.journal.summary()["received"]

    async def arrived(self, count: int) -> None:
        """Wait until the sandbox has received so many requests."""

        async def met() -> bool:
            return self.received >= count

        await agents.eventually(met, f"{count} requests")

    def check(self, orders: Iterable[Recorded[Order]], told: dict[str, SendReported]) -> None:
        """Nothing twice, nothing in the wrong order, and every report is true."""
        accepted = [one for one in self.box.journal.find() if one.accepted]
        assert agents.most(one.reference for one in accepted) <= 1
        taken = {str(one.reference).rpartition(":")[0] for one in accepted}  # without the chat
        for order in orders:
            report = told[order.data.reply_id]
            assert report.outcome in {SendOutcome.SENT, SendOutcome.SAVED_ONLY}
            if report.outcome is SendOutcome.SENT:
                assert f"{order.data.reply_id}:{order.data.attempt}" in taken
            else:
                assert report.error_code == "interrupted"
        # Who was frozen in the middle of a call makes it when it thaws: late, and reported unknown.
        known = [one for one in accepted if _outcome(one.reference, told) is SendOutcome.SENT]
        for person in {one.to for one in known}:
            numbers = [int(one.text.rpartition(" ")[2]) for one in known if one.to == person]
            assert numbers == sorted(numbers)


def _outcome(reference: object, told: dict[str, SendReported]) -> SendOutcome:
    return told[str(reference).partition(":")[0]].outcome


@asynccontextmanager
async def staged(settings: Settings, log: Path, latency: float = 0.0) -> AsyncIterator[Scene]:
    """A scene of its own."""
    await migrate.migrate(settings.database, settings.database_schema)
    async with running(now=clock.now, latency=latency) as box:
        await kafka.prepare(settings, agents.tenant(box.whatsapp_url, box.telegram_url))
        yield Scene(settings, box, log)


def unknown(told: dict[str, SendReported]) -> int:
    """How many sends nobody knows the outcome of."""
    return sum(one.outcome is SendOutcome.SAVED_ONLY for one in told.values())
