"""Decider, delivery agent and sandbox together: what people wrote, and how each reply fared."""

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

from chatfold import clock, migrate
from chatfold.sandbox import Sandbox, graph, running
from chatfold.sandbox.journal import Received
from chatfold.settings import Settings
from chatfold.tenancy import record_of
from schemas import identity
from schemas.content import Platform
from schemas.envelope import Recorded
from schemas.facts import (
    ConfirmationTimedOut,
    DeliveryAbandoned,
    Fact,
    MessageReceived,
    MessageSendConfirmed,
    MessageSent,
    ReplyGenerated,
    RetryRequested,
    RetryStarted,
)
from schemas.inputs import Input, RetryDelivery
from schemas.tenants import Account, SendLimits, Tenant
from schemas.topics import Topics
from tests.support import agents, kafka, roles, webhooks
from tests.support.agents import Agent

LIMITS = SendLimits(account_per_second=10_000, chat_per_second=1_000)
SETTLE_SECONDS = 120.0

_STATES = {
    ReplyGenerated: "open",
    RetryStarted: "open",
    RetryRequested: "open",
    MessageSent: "sent",
    MessageSendConfirmed: "sent",
    DeliveryAbandoned: "operator",
    ConfirmationTimedOut: "operator",
}


@dataclass(frozen=True)
class Talk:
    """A person who writes to an account of a tenant."""

    tenant: str
    account: str
    person: str

    @property
    def chat_id(self) -> str:
        return identity.chat_id(
            tenant=self.tenant, platform="whatsapp", platform_user_id=self.person
        )

    def says(self, number: int) -> Recorded[Input]:
        """The person's message of that number; the reply quotes its words."""
        told = webhooks.text(
            f"number {number}!", wamid=f"wamid.{self.person}.{number}", user=self.person
        )
        return self._input(webhooks.body(told))

    def hears(self, received: Received, word: str) -> Recorded[Input]:
        """The status webhook of a message that the provider took."""
        return self._input(graph.status_webhook(received, word, clock.now()))

    def _input(self, body: dict) -> Recorded[Input]:
        body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = self.account
        [made] = webhooks.inputs(body, at=clock.now(), tenant=self.tenant)
        return made


def tenant(tenant_id: str, accounts: Iterable[str], **settings: object) -> Tenant:
    """A tenant whose refused replies are tried again within seconds."""
    quick = {"retry_minutes": (0.02, 0.03, 0.05, 0.1), "confirmation_minutes": 0.1}
    given = {
        "tenant_id": tenant_id,
        "name": tenant_id,
        "accounts": [account(one) for one in accounts],
    }
    return Tenant.model_validate(given | quick | settings)


def account(name: str, base_url: str | None = None) -> Account:
    return Account(
        provider="whatsapp_cloud",
        account=name,
        platform=Platform.WHATSAPP,
        credentials={"access_token": "env:TEST_WHATSAPP_TOKEN"},
        base_url=base_url,
        limits=LIMITS,
    )


class Watched(Agent):
    """An agent that is asked for its figures."""

    async def tells(self, figure: str) -> bool:
        """Whether its metrics have the text."""

        def got() -> str:
            url = f"http://127.0.0.1:{self.port}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()

        try:
            return figure in await asyncio.to_thread(got)
        except OSError:  # it has only just been started
            return False


@dataclass
class Replies:
    """Where each reply is, by the facts."""

    facts: list[Recorded[Fact]]
    states: dict[str, str] = field(default_factory=dict)
    """Of each reply: `open`, `sent`, or with an `operator`."""

    chats: dict[str, str] = field(default_factory=dict)
    received: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for recorded in self.facts:
            fact = recorded.data
            if isinstance(fact, MessageReceived):
                self.received.add(fact.platform_message_id)
            if type(fact) in _STATES:
                self.states[fact.reply_id] = _STATES[type(fact)]
                self.chats[fact.reply_id] = recorded.chat_id

    def of(self, kind: type, chat_id: str) -> list:
        """The facts of a kind in a chat."""
        return [
            one.data for one in self.facts if one.chat_id == chat_id and isinstance(one.data, kind)
        ]

    def waiting(self) -> list[str]:
        """The replies that are with an operator."""
        return [reply_id for reply_id, state in self.states.items() if state == "operator"]


@dataclass
class Stage:
    """Real topics and tables, and a sandbox that remembers what it took."""

    settings: Settings
    box: Sandbox
    folder: Path
    talks: dict[str, Talk] = field(default_factory=dict)
    told: Callable[[str], bool] = lambda person: False
    untold: asyncio.Queue[Received | None] = field(default_factory=asyncio.Queue)
    _numbers: count = field(default_factory=count)

    def decider(self) -> roles.Process:
        return roles.Process("decider", self.settings, self.folder / "decider.log")

    def agent(self, instance: str = "a", **env: str) -> "Watched":
        return Watched("delivery", self.settings, self.folder / "agent.log", instance, **env)

    async def know(self, *tenants: Tenant) -> None:
        """Write the tenants to their topic; their accounts are the sandbox's."""
        records = [record_of(self._here(one), clock.now()) for one in tenants]
        await kafka.produce(self.settings, Topics(self.settings.topic_prefix).tenants, records)

    def _here(self, one: Tenant) -> Tenant:
        url = self.box.whatsapp_url
        accounts = tuple(a.model_copy(update={"base_url": url}) for a in one.accounts)
        return one.model_copy(update={"accounts": accounts})

    async def write(self, talks: Iterable[Talk], numbers: Iterable[int]) -> None:
        """Each person writes the messages of those numbers."""
        known = list(talks)
        self.talks |= {talk.person: talk for talk in known}
        inputs = [talk.says(number) for number in numbers for talk in known]
        await kafka.produce_inputs(self.settings, inputs)

    async def tell(self, taken: Iterable[Received], word: str = "delivered") -> None:
        """The provider tells of messages that it took."""
        await kafka.produce_inputs(
            self.settings, [self.talks[one.to].hears(one, word) for one in taken]
        )

    async def retry(self, replies: Replies, reply_ids: Collection[str]) -> None:
        """An operator wants these tried again."""
        await kafka.produce_inputs(
            self.settings,
            [self._wanted(replies.chats[reply_id], reply_id) for reply_id in reply_ids],
        )

    def _wanted(self, chat_id: str, reply_id: str) -> Recorded[Input]:
        [talk] = [one for one in self.talks.values() if one.chat_id == chat_id]
        input_id = identity.derive("wanted", reply_id, str(next(self._numbers)))
        return Recorded(
            id=input_id,
            time=clock.now(),
            source="/chatfold/cli",
            tenant=talk.tenant,
            chat_id=chat_id,
            causation_id=input_id,
            correlation_id=input_id,
            data=RetryDelivery(reply_id=reply_id, by="ada"),
        )

    async def replies(self) -> Replies:
        return Replies(await kafka.facts(self.settings))

    async def settled(self, messages: int, seconds: float = SETTLE_SECONDS) -> Replies:
        """Once so many messages are decided, and every reply is sent or with an operator."""
        found: list[Replies] = []

        async def met() -> bool:
            found[:] = [await self.replies()]
            [now] = found
            return len(now.received) >= messages and "open" not in now.states.values()

        await agents.eventually(met, f"{messages} replies to come to rest", seconds)
        return found[0]

    def taken(self, talk: Talk) -> list[int]:
        """The numbers of the replies that the provider took for a person, in its order."""
        entries = self.box.journal.find(to=talk.person)
        return [number(one) for one in entries if one.accepted]

    def asked(self, talk: Talk, wanted: int) -> list[datetime]:
        """When the provider was asked to send the reply of that number."""
        entries = self.box.journal.find(to=talk.person)
        return [one.received_at for one in entries if number(one) == wanted]

    def taken_replies(self) -> list[str]:
        """The replies that the provider took, once for each time."""
        return [str(one.reference).split(":")[0] for one in self.box.journal.find() if one.accepted]

    async def keep_telling(self) -> None:
        """Tell at once of what was taken for those who shall be told, until there is no more."""
        while received := await self.untold.get():
            if self.told(str(received.to)):
                await self.tell([received])


def number(received: Received) -> int:
    """The number of the message that a reply answers."""
    return int(str(received.text).split("number ")[1].split("!")[0])


@asynccontextmanager
async def staged(settings: Settings, folder: Path, latency: float = 0.0) -> AsyncIterator[Stage]:
    """A stage of its own."""
    await migrate.migrate(settings.database, settings.database_schema)
    await kafka.prepare(settings)
    untold: asyncio.Queue[Received | None] = asyncio.Queue()
    async with running(now=clock.now, latency=latency, on_accepted=untold.put_nowait) as box:
        stage = Stage(settings, box, folder, untold=untold)
        telling = asyncio.create_task(stage.keep_telling())
        try:
            yield stage
        finally:
            untold.put_nowait(None)  # who is cancelled as a client starts leaves it unclosed
            await telling
