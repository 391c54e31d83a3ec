"""Inputs and orders that could not be read: replayed once they can be, decided or done once."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from msgspec.structs import asdict

from chatfold import clock, migrate
from chatfold.eventlog import EventLog
from chatfold.results import Results
from chatfold.roles import decider
from chatfold.settings import Settings
from schemas import codec, envelope
from schemas.content import Content, Json, Platform, SendOutcome
from schemas.envelope import Record
from schemas.facts import MessageReceived
from schemas.inputs import ItemKind, WebhookReceived
from schemas.topics import Topics
from schemas.upcasting import upcaster
from schemas.value import Moment, Value
from schemas.work import SendMessage
from streams import batch, orders
from tests.support import agents, commands_run, kafka, later, roles, webhooks
from tests.support.commands import run
from tests.support.delivery_role import delivery_role
from tests.support.stage import staged


class WebhookReceivedV0(Value, frozen=True, kw_only=True):
    """As if a release had forgotten this version."""

    type: ClassVar[str] = "WebhookReceived.v0"
    provider: str
    account: str
    platform: Platform
    kind: ItemKind
    person: str
    message_id: str
    fragment: Json


class SendMessageV0(Value, frozen=True, kw_only=True):
    """As if a release had forgotten this version."""

    type: ClassVar[str] = "SendMessage.v0"
    reply_id: str
    attempt: int
    provider: str
    account: str
    person: str
    content: Content
    reply_to: str | None
    received_at: Moment


def received(old: WebhookReceivedV0) -> WebhookReceived:
    told = asdict(old)
    return WebhookReceived(platform_user_id=told.pop("person"), **told)


def send(old: SendMessageV0) -> SendMessage:
    told = asdict(old)
    return SendMessage(to=told.pop("person"), **told)


def old_input(number: int) -> Record:
    (said,) = webhooks.inputs(
        webhooks.body(webhooks.text(f"number {number}", wamid=f"wamid.{number}")), at=clock.now()
    )
    told = asdict(said.data)
    old = WebhookReceivedV0(person=told.pop("platform_user_id"), **told)
    return later.typed(envelope.encode(said), WebhookReceivedV0.type, codec.dumps(old))


def old_order(chat: int, number: int) -> Record:
    order = agents.order(chat, number)
    told = asdict(order.data)
    old = SendMessageV0(person=told.pop("to"), **told)
    return later.typed(envelope.encode(order), SendMessageV0.type, codec.dumps(old))


async def says(settings: Settings, number: int) -> None:
    words = webhooks.text(f"number {number}", wamid=f"wamid.{number}")
    await kafka.produce_inputs(settings, webhooks.inputs(webhooks.body(words), at=clock.now()))


async def heard(settings: Settings) -> list[str]:
    found = [one.data for one in await kafka.facts(settings)]
    return [one.platform_message_id for one in found if isinstance(one, MessageReceived)]


async def once_heard(settings: Settings, number: int) -> list[str]:
    async def met() -> bool:
        return f"wamid.{number}" in await heard(settings)

    await agents.eventually(met, f"wamid.{number} to be decided")
    return await heard(settings)


async def listed(settings: Settings, *words: str, count: int) -> list[dict]:
    found: list[list[dict]] = []

    async def met() -> bool:
        found[:] = [await run(settings, "dead-letters", "list", *words)]
        return len(found[0]) == count

    await agents.eventually(met, f"{count} dead letters")
    return found[0]


@asynccontextmanager
async def deciding(settings: Settings) -> AsyncIterator[None]:
    """The decider in this process."""
    stop, own = asyncio.Event(), settings.model_copy(update={"metrics_port": roles.free_port()})
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        group.create_task(decider.run(own, stop, stack))
        yield
        stop.set()


async def test_an_input_of_an_unknown_version_is_decided_once_by_the_release_that_reads_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate.migrate(settings.database, settings.database_schema)
    names = await kafka.prepare(settings, kafka.TENANT)
    original = old_input(1)
    await kafka.produce(settings, names.inbox, [original])
    with roles.running(one := roles.Process("decider", settings, tmp_path / "log")):
        await says(settings, 2)
        assert await once_heard(settings, 2) == ["wamid.2"]
        (letter,) = await listed(settings, count=1)
        assert (letter["type"], letter["waits"], letter["settled"]) == (
            WebhookReceivedV0.type,
            False,
            None,
        )
        replayed = await run(settings, "dead-letters", "replay", letter["origin"])
        assert replayed == [{"origin": letter["origin"], "topic": names.inbox}]
        before, again = await listed(settings, "--all", count=2)
        assert (before["origin"], before["settled"]["did"]) == (letter["origin"], "replayed")
        assert before["settled"]["by"].startswith("cli:")
        assert (again["replayed_from"], again["is_open"]) == (letter["origin"], True)
        assert [again] == await listed(settings, count=1)
        one.kill(signal.SIGTERM)
    killed = await asyncio.to_thread(
        commands_run.run,
        settings,
        *("dead-letters", "replay", again["origin"]),
        CHATFOLD_FAILPOINT="letters.before_note",
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [again] == await listed(settings, count=1)
    monkeypatch.setattr(
        batch, "envelope", later.reading(upcaster(WebhookReceivedV0, WebhookReceived, received))
    )
    async with deciding(settings):
        assert await once_heard(settings, 1) == ["wamid.2", "wamid.1"]
        assert await run(settings, "dead-letters", "replay", again["origin"])
        assert await run(settings, "dead-letters", "replay", again["origin"]) == []
        await kafka.produce(settings, names.inbox, [original])
        await says(settings, 3)
        assert await once_heard(settings, 3) == ["wamid.2", "wamid.1", "wamid.3"]
    assert await run(settings, "dead-letters", "list") == []
    appended = [one for one in await kafka.read_all(settings, names.inbox) if one.value]
    same = [one for one in appended if one.value == original.value]
    assert len(same) == 5
    assert {one.key for one in same} == {original.key}
    assert all(list(one.headers)[: len(original.headers)] == original.headers for one in same)
    assert (await run(settings, "status"))["dead_letters"] == 0


async def test_an_input_that_is_discarded_is_settled_and_stays_undecided(
    settings: Settings, tmp_path: Path
) -> None:
    await migrate.migrate(settings.database, settings.database_schema)
    names = await kafka.prepare(settings, kafka.TENANT)
    await kafka.produce(settings, names.inbox, [old_input(number) for number in (1, 2)])
    with roles.running(roles.Process("decider", settings, tmp_path / "log")):
        first, second = await listed(settings, count=2)
        assert await run(settings, "dead-letters", "discard", first["origin"]) == []
        assert await run(settings, "dead-letters", "list") == [second]
        assert (await run(settings, "status"))["dead_letters"] == 1
        await run(settings, "dead-letters", "discard", first["origin"], code=2)
        assert await run(settings, "dead-letters", "replay", first["origin"]) == []
        assert await run(settings, "dead-letters", "replay", "--all") == []
        done = await run(settings, "dead-letters", "replay", "--all", "--of", "inputs")
        assert [one["origin"] for one in done] == [second["origin"]]
        (shown,) = await run(settings, "dead-letters", "show", first["origin"])
        assert shown["settled"]["did"] == "discarded"
    assert await heard(settings) == []


@asynccontextmanager
async def delivering(settings: Settings) -> AsyncIterator[None]:
    """The delivery agent in this process."""
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        log = EventLog(settings.bootstrap, max_pending_bytes=1_000_000)
        await log.start()
        stack.push_async_callback(log.stop)
        role = await delivery_role(settings, stack, Results(log))
        running = asyncio.create_task(role.run(stop))
        yield
        stop.set()
        await running


async def test_an_order_of_an_unknown_version_is_carried_out_once_by_the_release_that_reads_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, token in agents.TOKENS.items():
        monkeypatch.setenv(name, token)
    topic = Topics(settings.topic_prefix).work_delivery
    async with staged(settings, tmp_path / "log") as scene:
        await kafka.produce(settings, topic, [old_order(1, 0)])
        await agents.produce(settings, [agents.order(1, 1)])
        with roles.running(agent := scene.agent()):
            await agents.reported(settings, [agents.order(1, 1)])
            (letter,) = await listed(settings, count=1)
            assert letter["reported"] is None  # an older decider had not said what it is about
            agent.kill(signal.SIGTERM)
        assert scene.got(1) == ["chat 1 reply 1"]
        reads = later.reading(upcaster(SendMessageV0, SendMessage, send))
        monkeypatch.setattr(orders, "envelope", reads)
        assert await run(settings, "dead-letters", "replay", letter["origin"])
        async with delivering(settings):
            told = await agents.reported(settings, [agents.order(1, 0)])
            assert {one.outcome for one in told.values()} == {SendOutcome.SENT}
            await kafka.produce(settings, topic, [old_order(1, 0)])
            await agents.produce(settings, [agents.order(1, 2)])
            await agents.reported(settings, [agents.order(1, 2)])
        assert scene.got(1) == [f"chat 1 reply {number}" for number in (1, 0, 2)]
        assert len(await agents.reports(settings)) == 4
        agents.one_outcome_each(await agents.reports(settings))
    assert await run(settings, "dead-letters", "list") == []
