"""A removed tenant's processing stops, its log stays, and it goes on once it is back."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatfold import clock
from chatfold.settings import Settings
from schemas import identity
from schemas.content import CloseReason
from schemas.envelope import Recorded
from schemas.facts import (
    AnswerRequested,
    ConversationClosed,
    DeliveryAbandoned,
    JobFailed,
    MediaJobRequested,
    MessageSent,
)
from schemas.inputs import PauseChat, WebhookUnrouted
from schemas.tenants import Assistant, MediaSettings, Models, Tenant
from tests.support import kafka, webhooks
from tests.support import town as towns
from tests.support.gateway import inputs
from tests.support.town import CHAT, TENANT, Town, until

WAITING = "chatfold_decider_waiting_inputs"
TENANTS = "chatfold_tenancy_tenants_count"
UNROUTED = "chatfold_decider_unrouted_items"


def neighbour(town: Town) -> Tenant:
    """Another tenant, whose account has the same app secret."""
    return town.tenant(tenant_id="other", accounts=(town.account(name="900800700"),))


@pytest.fixture
async def town(settings: Settings, tmp_path: Path) -> AsyncIterator[Town]:
    async with towns.town(settings, tmp_path, lambda here: [here.tenant()]) as ready:
        yield ready


async def removed(town: Town) -> None:
    """Remove the tenant, and wait until every role that runs knows."""
    before = {name: await town.figure(name, TENANTS) for name in town.processes}
    await town.forget()

    async def is_known() -> bool:
        now = [await town.figure(name, TENANTS) for name in before]
        return all(count < before[name] for name, count in zip(before, now, strict=True))

    await until(is_known, "the removal to be known")


async def test_webhooks_of_a_removed_tenant_are_refused_if_nobody_vouches_for_them(town: Town):
    await town.start("gateway")
    assert await town.post(town.words("Hello")) == 200
    await removed(town)
    assert await town.post(town.words("Hello")) == 401
    assert await town.post(town.words("Hello"), path=f"/{TENANT}") == 404
    await town.know(town.tenant())

    async def is_taken() -> bool:
        return await town.post(town.words("Hello")) == 200

    await until(is_taken, "the tenant to be back")


async def test_webhooks_that_another_tenants_secret_proves_wait_for_the_tenant(town: Town):
    await town.know(neighbour(town))
    await town.start("gateway", "decider")
    await town.says("Hello")
    await removed(town)
    assert await town.post(town.words("Anybody there?")) == 200
    wamid = f"wamid.{town.said}"

    async def is_parked() -> bool:
        return await town.figure("decider", UNROUTED) == 1

    await until(is_parked, "the item to be parked")
    unrouted = [one for one in await inputs(town.settings) if isinstance(one, WebhookUnrouted)]
    assert [one.message_id for one in unrouted] == [wamid]
    await town.know(town.tenant())
    assert (await town.heard(wamid)).number == 3  # after the person's first word, and its answer


async def test_a_reply_on_its_way_waits_for_an_operator_and_the_chat_goes_on_when_it_is_back(
    town: Town,
):
    await town.start("gateway", "decider")
    await town.says("Hello")
    facts = len(await kafka.facts(town.settings))
    await removed(town)
    await town.start("delivery", "projector", "api")

    async def is_waiting() -> bool:
        return await town.figure("decider", WAITING) == 1

    await until(is_waiting, "the report to wait")
    assert town.taken() == []
    assert len(await kafka.facts(town.settings)) == facts
    assert await kafka.read_all(town.settings, town.topics.dead_letters) == []
    await town.know(town.tenant())
    left = await town.fact(DeliveryAbandoned)
    assert left.error_code == "not_configured"

    async def is_sent() -> bool:
        await town.ask("POST", f"/v1/deliveries/{left.reply_id}/retry")
        return bool(await town.facts(MessageSent))

    await until(is_sent, "the reply to be sent")
    await town.says("Still there?")
    await town.fact(MessageSent, 2)
    assert len(town.taken()) == 2
    assert await town.figure("decider", WAITING) == 0


async def test_a_report_that_waits_outlives_the_decider(town: Town):
    await town.start("gateway", "decider")
    await town.says("Hello")
    await removed(town)
    await town.start("delivery")

    async def is_waiting() -> bool:
        return await town.figure("decider", WAITING) == 1

    await until(is_waiting, "the report to wait")
    town.processes.pop("decider").kill()
    await town.start("decider")
    assert await until(is_waiting, "the report to wait again")
    await town.know(town.tenant())
    await town.fact(DeliveryAbandoned)


async def test_jobs_on_their_way_are_not_begun_and_their_end_is_recorded_when_it_is_back(
    town: Town,
):
    answering = town.tenant(
        responder="llm",
        models=Models(base_url=town.box.models_url, api_key="env:KEY_ONE"),
        assistant=Assistant(quiet_seconds=0, retry_seconds=()),
        media=MediaSettings(store_retry_seconds=()),
    )
    await town.know(answering)
    await town.start("gateway", "decider")

    async def is_asked() -> bool:
        await town.says("Hello")
        return bool(await town.facts(AnswerRequested))

    await until(is_asked, "the model to be asked")
    assert await town.post(town.picture()) == 200
    await town.fact(MediaJobRequested)
    await removed(town)
    await town.start("media", "reply")

    async def are_waiting() -> bool:
        return await town.figure("decider", WAITING) == 2

    await until(are_waiting, "both reports to wait")
    assert list(town.box.journal.find(provider="openai")) == []
    await town.know(answering)
    await town.fact(JobFailed, 2)
    failed = {one.error_code for one in await town.facts(JobFailed)}
    assert failed == {"not_configured"}


async def test_timers_of_a_removed_tenant_do_not_fire_until_it_is_back(town: Town):
    idle = 4.0
    await town.know(town.tenant(idle_close_hours=idle / 3600, responder="none"))
    await town.start("gateway", "decider")

    async def is_silent() -> bool:
        await town.says("Hello")
        return await town.answers(f"wamid.{town.said}") == []

    await until(is_silent, "the settings to be known")
    heard = time.monotonic()
    await removed(town)
    assert time.monotonic() - heard < idle
    before = len(await inputs(town.settings))

    async def is_over() -> bool:
        return time.monotonic() - heard > 2 * idle

    await until(is_over, "the idle time to be over")
    closed = [one for one in await town.facts(ConversationClosed) if one.reason is CloseReason.IDLE]
    assert closed == []
    assert len(await inputs(town.settings)) == before
    await town.know(town.tenant(idle_close_hours=idle / 3600))
    assert (await town.fact(ConversationClosed)).reason is CloseReason.IDLE


async def test_what_an_operator_wants_meanwhile_is_a_dead_letter_and_never_done(town: Town):
    await town.start("gateway", "decider")
    await town.says("Hello")
    await removed(town)
    await kafka.produce_inputs(town.settings, [pause()])

    async def letters() -> list:
        return await kafka.read_all(town.settings, town.topics.dead_letters)

    (letter,) = await until(letters, "the dead letter")
    assert b"tenant 'acme' is not configured" in dict(letter.headers)["dl_reason"]
    await town.know(town.tenant())

    async def is_answered() -> bool:
        return await town.post(town.words("Hello")) == 200

    await until(is_answered, "the tenant to be back")
    await town.heard(f"wamid.{town.said}")
    assert len(await town.answers(f"wamid.{town.said}")) == 1


async def test_the_log_and_the_rows_of_a_removed_tenant_stay(town: Town):
    await town.start("gateway", "decider", "projector", "api")
    await town.says("Hello")
    facts = await kafka.facts(town.settings)
    status, _ = await town.ask("DELETE", f"/v1/tenants/{TENANT}")
    assert status == 202

    async def row() -> list:
        return await town.rows("SELECT 1 FROM tenants WHERE removed_at IS NOT NULL")

    await until(row, "the row")
    assert await kafka.facts(town.settings) == facts
    assert (await town.ask("GET", f"/v1/chats/{CHAT}"))[0] == 200
    assert (await town.ask("GET", f"/v1/tenants/{TENANT}"))[0] == 404


def pause() -> Recorded[PauseChat]:
    own_id = identity.derive("a click", "1")
    return Recorded(
        id=own_id,
        time=clock.now(),
        source="/chatfold/api",
        tenant=webhooks.TENANT,
        chat_id=CHAT,
        causation_id=own_id,
        correlation_id=own_id,
        data=PauseChat(by="ada"),
    )
