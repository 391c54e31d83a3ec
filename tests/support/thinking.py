"""Orders for the assistant agent, its surroundings, and what came of them."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiokafka import ConsumerRecord

from chatfold import clock, migrate
from chatfold.sandbox import Sandbox, running
from chatfold.sandbox.journal import Received
from chatfold.settings import Settings
from schemas import codec, envelope, identity
from schemas.content import MessageKind, Origin, Utterance
from schemas.envelope import Recorded
from schemas.inputs import AnswerReported, JobReported
from schemas.tenants import Tenant
from schemas.topics import Topics
from schemas.work import AnswerQuestion, GenerateAnswer, Order, Question
from tests.support import agents, kafka, models
from tests.support.agents import Agent


def order(
    chat: int, number: int, *, tenant: str = models.TENANT, text: str | None = None
) -> Recorded[Order]:
    """The `number`-th answer that is due in a chat; its words name both."""
    cause = identity.derive("cause", tenant, str(chat), str(number))
    said = Utterance(
        message_id=f"{cause}.m",
        origin=Origin.USER,
        kind=MessageKind.TEXT,
        at=agents.AT,
        text=text or words(chat, number),
    )
    job = GenerateAnswer(
        job_id=identity.job_id(cause, 0),
        attempt=1,
        conversation=(said,),
        unanswered=(said.message_id,),
    )
    return _recorded(cause, chat, tenant, job)


def question(chat: int, tenant: str = models.TENANT) -> Recorded[Order]:
    """Somebody in a chat wants to know how the views are."""
    cause = identity.derive("question", tenant, str(chat))
    asked = AnswerQuestion(question_id=cause, question=Question.VIEW_STATS)
    return _recorded(cause, chat, tenant, asked)


def words(chat: int, number: int) -> str:
    """What is asked there."""
    return f"chat {chat} question {number}!"


def _recorded(cause: str, chat: int, tenant: str, data: object) -> Recorded[Order]:
    return Recorded(
        id=f"{cause}.w0",
        time=agents.AT,
        source="/chatfold/decider",
        tenant=tenant,
        chat_id=identity.chat_id(tenant=tenant, platform="test", platform_user_id=str(chat)),
        causation_id=cause,
        correlation_id=cause,
        data=data,
    )


def tenant(box: Sandbox, name: str = models.TENANT, **settings: object) -> Tenant:
    """A tenant whose models are the sandbox's, known there by its name."""
    made = models.tenant(box.models_url, **{"timeout_seconds": 300, **settings})
    return made.model_copy(update={"tenant_id": name, "name": name})


@dataclass
class Scene:
    """Topics, tables, tenants and the sandbox, ready for an agent."""

    settings: Settings
    box: Sandbox
    log: Path

    def agent(self, instance: str | None = None, **env: str) -> Agent:
        env = {"TEST_MODEL_KEY": models.KEY} | env
        return Agent("reply", self.settings, self.log, instance, **env)

    async def produce(self, orders: Iterable[Recorded[Order]]) -> None:
        """Put orders into the log."""
        topic = Topics(self.settings.topic_prefix).work_reply
        await kafka.produce(self.settings, topic, [envelope.encode(one) for one in orders])

    def asked(self, one: Recorded[Order] | None = None) -> list[Received]:
        """What the models were asked and answered, of an order or in all."""
        entries = [e for e in self.box.journal.find(provider="openai") if e.accepted]
        return entries if one is None else [e for e in entries if _text(one) in str(e.text)]

    async def reported(
        self, orders: Sequence[Recorded[Order]], seconds: float = 90.0
    ) -> dict[str, list[Recorded[JobReported]]]:
        """The reports of each order's job, by its id, once each has one."""
        missing = {one.data.job_id for one in orders}
        found = defaultdict(list)
        deadline = time.monotonic() + seconds
        topic = Topics(self.settings.topic_prefix).inbox
        async with agents.following(self.settings, topic) as inbox:
            while missing:
                assert time.monotonic() < deadline, f"no report of {len(missing)} orders"
                polled = await inbox.getmany(timeout_ms=200)
                for told in (_read(one) for batch in polled.values() for one in batch):
                    if isinstance(told.data, JobReported):
                        found[told.data.job_id].append(told)
                        missing.discard(told.data.job_id)
        return found

    async def answered(self, asked: Recorded[Order]) -> AnswerReported:
        """The answer to a question."""
        topic = Topics(self.settings.topic_prefix).inbox
        async with agents.following(self.settings, topic) as inbox, asyncio.timeout(60):
            async for record in inbox:
                told = _read(record)
                if told.causation_id == asked.id:
                    return told.data
        raise AssertionError


def effective(found: dict[str, list[Recorded[JobReported]]]) -> dict[str, JobReported]:
    """What each job came to: all its reports must be the same to the last byte."""
    for reports in found.values():
        told = {(one.id, one.chat_id, one.causation_id, codec.dumps(one.data)) for one in reports}
        assert len(told) == 1, told
    return {job: reports[0].data for job, reports in found.items()}


def counted(found: dict[str, list[Recorded[JobReported]]]) -> dict[str, JobReported]:
    """What each job came to: of reports of one name the decider takes the first."""
    for reports in found.values():
        names = {(one.id, one.chat_id, one.causation_id) for one in reports}
        assert len(names) == 1, names
    return {job: reports[0].data for job, reports in found.items()}


def _read(record: ConsumerRecord) -> Recorded:
    return envelope.decode(codec.INPUTS, value=record.value, headers=record.headers)


def _text(one: Recorded[Order]) -> str:
    return one.data.conversation[-1].text


@asynccontextmanager
async def staged(
    settings: Settings, log: Path, *others: str, latency: float = 0.0
) -> AsyncIterator[Scene]:
    """A scene of its own, with the tenant of all tests and `others`."""
    await migrate.migrate(settings.database, settings.database_schema)
    async with running(now=clock.now, latency=latency) as box:
        known = [tenant(box, name) for name in (models.TENANT, *others)]
        await kafka.prepare(settings, *known)
        yield Scene(settings, box, log)
