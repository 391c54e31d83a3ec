"""The operators' API and the commands that do the same, on real servers."""

import asyncio
from datetime import datetime
from uuid import UUID

import pytest

from chatfold import clock
from chatfold.operations import tables
from chatfold.settings import Settings
from schemas import codec, envelope, identity
from schemas.content import SendOutcome
from schemas.envelope import Recorded
from schemas.facts import (
    BotPaused,
    BotResumed,
    CloseRequested,
    ReplyGenerated,
    RetryRequested,
    SendRequested,
)
from schemas.inputs import AutoResume, SendReported
from schemas.topics import Topics
from tests.support import facts, kafka, projecting, roles, servers, webhooks
from tests.support.filled import fill
from tests.support.operating import (
    ApiProcess,
    Client,
    pipeline,
    recorded,
    run,
    serving_api,
    until,
)

CHAT = identity.chat_id(tenant=webhooks.TENANT, platform="whatsapp", platform_user_id=webhooks.USER)


async def failed_delivery(settings: Settings, alice: Client) -> str:
    """A person writes, the answer is refused for good; the id of the delivery that waits."""
    said = webhooks.body(webhooks.text("Hello", wamid="wamid.1"))
    await kafka.produce_inputs(settings, webhooks.inputs(said, at=clock.now()))

    async def replied():
        return (await alice.get("/v1/deliveries?status=pending"))["deliveries"]

    for one in await until(replied, "the reply"):
        await kafka.produce_inputs(settings, [refused(one["reply_id"])])

    async def waiting():
        return (await alice.get("/v1/deliveries?waiting_for=operator"))["deliveries"]

    await until(waiting, "the delivery to be abandoned")
    return (await waiting())[0]["reply_id"]


async def known(alice: Client, reply_id: str) -> dict:
    """The delivery, once the tables know it."""

    async def shown():
        status, told, _ = await alice.ask("GET", f"/v1/deliveries/{reply_id}")
        return told if status == 200 else None

    return await until(shown, f"the row of {reply_id}")


def refused(reply_id: str) -> Recorded[SendReported]:
    report = SendReported(
        reply_id=reply_id,
        attempt=1,
        outcome=SendOutcome.FAILED,
        started_at=clock.now(),
        finished_at=clock.now(),
        http_status=400,
        error_code="recipient_unknown",
        error_message="there is nobody",
    )
    own_id = identity.report_id(reply_id=reply_id, attempt=1)
    return Recorded(
        id=own_id,
        time=clock.now(),
        source="/chatfold/agent/delivery",
        tenant=webhooks.TENANT,
        chat_id=CHAT,
        causation_id=own_id,
        correlation_id=own_id,
        data=report,
    )


async def test_a_click_becomes_an_input_a_decision_and_a_row(settings, tmp_path):
    async with pipeline(settings, tmp_path) as alice:
        reply_id = await failed_delivery(settings, alice)
        shown = await alice.get(f"/v1/deliveries/{reply_id}")
        assert (shown["status"], shown["error_code"]) == ("failed", "recipient_unknown")
        assert [one["outcome"] for one in shown["attempts"]] == ["failed"]

        await alice.post(f"/v1/deliveries/{reply_id}/retry")

        async def requested():
            return await recorded(settings, RetryRequested)

        assert await until(requested, "the decision") == [
            RetryRequested(reply_id=reply_id, attempt=2, by="alice")
        ]

        async def pending():
            told = await alice.get(f"/v1/deliveries/{reply_id}")
            return (told["status"], told["attempt"]) == ("pending", 2)

        await until(pending, "the row")
        orders = await kafka.read_all(settings, Topics(settings.topic_prefix).work_delivery)
        told = [codec.loads(order.value) for order in orders]
        assert (reply_id, 2) in [(one["reply_id"], one["attempt"]) for one in told]
        status, problem, _ = await alice.ask("POST", f"/v1/deliveries/{reply_id}/retry")
        assert (status, problem["type"]) == (409, "urn:chatfold:problem:not-retryable")


async def test_a_chat_is_written_to_once_paused_resumed_and_closed(settings, tmp_path):
    async with pipeline(settings, tmp_path) as alice:
        await failed_delivery(settings, alice)
        path = f"/v1/chats/{CHAT}"
        key = {"idempotency_key": "ticket 5"}
        first = await alice.post(f"{path}/messages", {"text": "Ada here"}, **key)
        again = await alice.post(f"{path}/messages", {"text": "Ada here"}, **key)
        assert first == again
        await alice.post(f"{path}/pause")

        async def paused():
            return (await alice.get("/v1/chats?paused=true"))["chats"]

        assert [one["chat_id"] for one in await until(paused, "the pause")] == [CHAT]
        assert await alice.post("/cron/auto-resume") == {"looked_at": 1}
        await alice.post(f"{path}/resume")
        await alice.post(f"{path}/close")

        async def asked():
            return await recorded(settings, CloseRequested)

        assert await until(asked, "the close") == [CloseRequested(by="alice")]
        assert await recorded(settings, SendRequested) == [
            SendRequested(reply_id=first["reply_id"], by="alice")
        ]
        texts = [one.content.text for one in await recorded(settings, ReplyGenerated)]
        assert texts.count("Ada here") == 1
        assert [one.by for one in await recorded(settings, BotPaused)] == ["alice"]
        assert [one.by for one in await recorded(settings, BotResumed)] == ["alice"]
        assert (await known(alice, first["reply_id"]))["origin"] == "operator"


async def test_the_commands_do_the_same(settings, tmp_path):
    async with pipeline(settings, tmp_path) as alice:
        reply_id = await failed_delivery(settings, alice)
        listed = await run(settings, "deliveries", "list", "--waiting-for", "operator")
        assert listed == await alice.get("/v1/deliveries?waiting_for=operator")
        counted = await run(settings, "deliveries", "retry", "--tenant", "acme", "--dry-run")
        assert (counted["matched"], counted["dry_run"]) == (1, True)
        await run(settings, "deliveries", "retry", code=2)  # nobody is there to say yes
        done = await run(settings, "deliveries", "retry", "--since", "1h", "--yes")
        assert (done["matched"], done["next_cursor"]) == (1, None)
        sent = await run(settings, "chats", "send", f"acme/whatsapp/{webhooks.USER}", "Ada here")
        for action in ("pause", "resume", "close"):
            assert (await run(settings, "chats", action, CHAT))["chat_id"] == CHAT

        async def closing():
            return await recorded(settings, CloseRequested)

        assert await until(closing, "the close") == [CloseRequested(by="cli:ada")]
        assert await recorded(settings, RetryRequested) == [
            RetryRequested(reply_id=reply_id, attempt=2, by="cli:ada")
        ]
        await known(alice, sent["reply_id"])
        shown = await run(settings, "deliveries", "show", sent["reply_id"])
        assert shown["preview"] == "Ada here"
        await run(settings, "deliveries", "retry", sent["reply_id"], code=1)
        await run(settings, "chats", "pause", "acme/whatsapp/1", code=1)


async def test_without_a_token_the_role_ends_with_the_way_out(settings, tmp_path):
    await kafka.prepare(settings, kafka.TENANT)
    log = tmp_path / "api.log"
    api = ApiProcess(settings, log)
    with roles.running(api):
        assert await asyncio.to_thread(api.wait_ended) == 2
    assert "the API has no token: set CHATFOLD_API_TOKEN" in " ".join(log.read_text().split())


@pytest.fixture
def log() -> list:
    return projecting.recently(facts.log(21, chats=12, facts=1500))


async def everything(alice: Client, query: str = "", limit: int = 500) -> list[dict]:
    rows, cursor = [], ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        told = await alice.get(f"/v1/deliveries?limit={limit}&{query}{more}")
        rows, cursor = rows + told["deliveries"], told["next_cursor"]
    return rows


async def test_every_reply_is_on_one_page_whatever_the_size_of_pages(settings, log):
    await fill(settings, log)
    replies = {one.data.reply_id for one in log if isinstance(one.data, ReplyGenerated)}
    async with serving_api(settings) as alice:
        rows = await everything(alice)
        assert len(rows) == len(replies) > 50
        assert {row["reply_id"] for row in rows} == replies
        assert rows == sorted(
            rows, key=lambda row: (moment(row["created_at"]), row["reply_id"]), reverse=True
        )
        assert await everything(alice, limit=7) == rows


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def merged_with(settings: Settings, chat_id: str) -> set[str]:
    async with tables.of_settings(settings)() as connection:
        found = await connection.fetch(
            "SELECT merged_chats(surviving_chat($1))::text AS chat_id", UUID(chat_id)
        )
    return {row["chat_id"] for row in found}


async def test_a_filter_leaves_what_it_says(settings, log):
    await fill(settings, log)
    async with serving_api(settings) as alice:
        rows = await everything(alice)
        one = next(row for row in rows if row["error_code"])
        middle = sorted(row["created_at"] for row in rows)[len(rows) // 2]
        ours = await merged_with(settings, one["chat_id"])
        filters = {
            f"tenant={one['tenant_id']}": lambda row: row["tenant_id"] == one["tenant_id"],
            f"chat_id={one['chat_id']}": lambda row: row["chat_id"] in ours,
            f"provider={one['provider']}": lambda row: row["provider"] == one["provider"],
            f"account={one['account']}": lambda row: row["account"] == one["account"],
            f"error_code={one['error_code']}": lambda row: row["error_code"] == one["error_code"],
            "status=failed&status=saved_only": lambda row: (
                row["status"] in {"failed", "saved_only"}
            ),
            f"since={middle}": lambda row: moment(row["created_at"]) >= moment(middle),
            f"until={middle}": lambda row: moment(row["created_at"]) < moment(middle),
            "waiting_for=retry&waiting_for=operator": lambda row: row["waiting_for"],
            f"waiting_for=operator&tenant={one['tenant_id']}": lambda row: (
                row["waiting_for"] == "operator" and row["tenant_id"] == one["tenant_id"]
            ),
        }
        for query, keeps in filters.items():
            found = await everything(alice, query.replace("+", "%2B"), limit=40)
            assert found == [row for row in rows if keeps(row)], query
        assert await everything(alice, "provider=nobody") == []


async def test_what_waits_is_retried_in_bulk_once_each(settings, log):
    names = await kafka.prepare(settings, kafka.TENANT)
    await fill(settings, log)
    async with serving_api(settings) as alice:
        waiting = await everything(alice, "waiting_for=retry&waiting_for=operator")
        failed = {row["reply_id"] for row in waiting if row["status"] == "failed"}
        told = await alice.post("/v1/deliveries/retry", {"dry_run": True})
        assert (told["matched"], told["unconfirmed"]) == (len(failed), 0)
        assert await kafka.read_all(settings, names.inbox) == []
        await alice.post("/v1/deliveries/retry", {})
        records = await kafka.read_all(settings, names.inbox)
        asked = [codec.loads(record.value) for record in records]
        assert sorted(one["reply_id"] for one in asked) == sorted(failed)
        assert {one["by"] for one in asked} == ({"alice"} if failed else set())


async def test_every_paused_chat_is_asked_to_resume(settings, log):
    names = await kafka.prepare(settings, kafka.TENANT)
    await fill(settings, log)
    async with serving_api(settings) as alice:
        chats = (await alice.get("/v1/chats?paused=true&limit=500"))["chats"]
        assert await alice.post("/cron/auto-resume") == {"looked_at": len(chats)}
        inputs = [
            envelope.decode(codec.INPUTS, value=record.value, headers=record.headers)
            for record in await kafka.read_all(settings, names.inbox)
        ]
        assert {one.chat_id for one in inputs} == {one["chat_id"] for one in chats}
        assert all(one.data == AutoResume(by="alice") for one in inputs)


async def test_while_a_server_is_away_nothing_is_accepted_and_all_goes_on_after_it(
    own_servers, tmp_path, log
):
    settings = servers.isolated(own_servers.settings, "away", tmp_path)
    names = await kafka.prepare(settings, kafka.TENANT)
    await fill(settings, log)
    async with serving_api(settings) as alice:
        chat = (await alice.get("/v1/chats"))["chats"][0]["chat_id"]
        messages = f"/v1/chats/{chat}/messages"
        await alice.post(messages, {"text": "before"})
        await asyncio.to_thread(own_servers.kafka.stop)
        status, problem, headers = await alice.ask("POST", messages, {"text": "while"})
        assert (status, headers["retry-after"]) == (503, "5")
        assert problem["type"] == "urn:chatfold:problem:log-unavailable"
        assert (await alice.get("/v1/deliveries"))["deliveries"]
        status, told, _ = await alice.ask("GET", "/readyz")
        assert (status, len(told["reasons"])) == (503, 1)
        await asyncio.to_thread(own_servers.kafka.start)

        async def accepted():
            return (await alice.ask("POST", messages, {"text": "after"}))[0] == 202

        await until(accepted, "Kafka to take it")
        await asyncio.to_thread(own_servers.postgres.stop)
        status, problem, headers = await alice.ask("GET", "/v1/deliveries")
        assert (status, headers["retry-after"]) == (503, "5")
        assert problem["type"] == "urn:chatfold:problem:tables-unavailable"
        await asyncio.to_thread(own_servers.postgres.start)

        async def answered():
            return (await alice.ask("GET", "/v1/deliveries"))[0] == 200

        await until(answered, "PostgreSQL to answer")
    texts = [codec.loads(r.value) for r in await kafka.read_all(settings, names.inbox)]
    assert "after" in [one["content"]["text"] for one in texts]


async def test_every_chat_is_listed_and_shown(settings, log):
    await fill(settings, log)
    async with serving_api(settings) as alice:
        chats, cursor = [], ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            told = await alice.get(f"/v1/chats?limit=3{more}")
            chats, cursor = chats + told["chats"], told["next_cursor"]
        assert chats == (await alice.get("/v1/chats?limit=500"))["chats"]
        assert len({one["chat_id"] for one in chats}) == len(chats) > 3
        for one in chats:
            shown = await alice.get(f"/v1/chats/{one['chat_id']}")
            assert (shown["chat_id"], shown["is_paused"]) == (one["chat_id"], one["is_paused"])
            assert shown["messages"]
