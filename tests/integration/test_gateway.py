"""The gateway on a real Kafka: what is answered 200 is in the log, and nothing else is 200."""

import asyncio
import signal
import socket
import time
from pathlib import Path

import pytest

from chatfold import serving, topics
from chatfold.gateway import protocol
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from chatfold.stack import Stack
from providers.registry import PROVIDERS
from schemas import codec
from schemas.inputs import WebhookReceived, WebhookUnrouted
from schemas.tenants import Account
from schemas.topics import Topics
from tests.support import servers as support
from tests.support.edge import (
    ACME,
    OTHER,
    SECRETS,
    TELEGRAM,
    WHATSAPP,
    signed,
    tenant,
    token,
    update,
    wa,
)
from tests.support.fixtures import WEBHOOKS, webhook_files
from tests.support.gateway import Load, inputs, message, names, prepare, role, served
from tests.support.records import held
from tests.support.roles import Process, running

ADDED = {
    "whapi": ["whapi/messages", "whapi/messages/post", "whapi/acme/statuses/put"],
    "evolution": ["evolution/messages-upsert", "evolution/acme/connection-update"],
}
HUGE = WEBHOOKS / "meta_whatsapp" / "huge-900-messages-1mb__composed__pywa.json"


async def test_200_comes_only_after_the_acknowledgement(settings: Settings):
    async with served(settings, ACME, OTHER) as gateway:
        for number in range(20):
            body = message(f"wamid.{number}")
            status, headers, content = await gateway.post(WHATSAPP, body, signed(body, "ACME"))
            assert (status, headers, content) == (200, {"content-length": "0"}, b"")
            assert f"wamid.{number}" in names(await gateway.inbox())


@pytest.mark.parametrize("pieces", [1, 5])
async def test_the_same_webhook_ten_times_at_once_is_ten_times_200(settings: Settings, pieces):
    async with served(settings, ACME) as gateway:
        body = message("wamid.same")
        posts = [
            gateway.post(WHATSAPP, body, signed(body, "ACME"), pieces=pieces) for _ in range(10)
        ]
        assert {status for status, _, _ in await asyncio.gather(*posts)} == {200}
        records = await held(settings.bootstrap, Topics(settings.topic_prefix).inbox)
    assert len(records) == 10
    assert len({(one.key, one.value, dict(one.headers)["ce_id"]) for one in records}) == 1


async def test_900_messages_in_one_body_are_900_records_before_the_200(settings: Settings):
    """As the file shared by all tests: a thousand kilobytes, two accounts unknown here."""
    async with served(settings, ACME) as gateway:
        body = HUGE.read_bytes()
        status, _, _ = await gateway.post(WHATSAPP, body, signed(body, "ACME"))
        found = await gateway.inbox()
    assert status == 200
    assert len(found) == 900
    assert len(set(names(found))) == 900


async def test_each_chat_of_a_large_body_keeps_its_order(settings: Settings):
    async with served(settings, ACME) as gateway:
        batches = [[f"wamid.{user}.{n:04}" for n in range(300)] for user in range(3)]
        for user, batch in enumerate(batches):
            body = message(*batch, user=f"49151{user}")
            assert (await gateway.post(WHATSAPP, body, signed(body, "ACME")))[0] == 200
        found = await gateway.inbox()
    for user, batch in enumerate(batches):
        assert [one.message_id for one in found if one.platform_user_id == f"49151{user}"] == batch


async def test_three_megabytes_are_taken_and_more_than_the_limit_is_413(settings: Settings):
    async with served(settings, ACME, body_bytes=3_000_000) as gateway:
        body = message("wamid.long", text="x" * 2_990_000)
        assert (await gateway.post(WHATSAPP, body, signed(body, "ACME")))[0] == 200
        body = message("wamid.longer", text="x" * 3_000_000)
        for pieces in (1, 50):
            status, _, told = await gateway.post(
                WHATSAPP, body, signed(body, "ACME"), pieces=pieces
            )
            assert (status, codec.loads(told)) == (413, {"error": "the body is too large"})
        assert names(await gateway.inbox()) == ["wamid.long"]


async def test_an_item_that_no_record_can_hold_is_413_and_nothing_is_kept(settings: Settings):
    async with served(settings, ACME, body_bytes=6_000_000) as gateway:
        body = message("wamid.vast", text="x" * 4_300_000)
        assert (await gateway.post(WHATSAPP, body, signed(body, "ACME")))[0] == 413
        assert await gateway.inbox() == []


@pytest.mark.parametrize("pieces", [1, 3])
async def test_each_refusal_appends_nothing(settings: Settings, pieces: int):
    body = message("wamid.1")
    async with served(settings, ACME, OTHER) as gateway:
        for expected, path, content, headers in (
            (401, WHATSAPP, body, {}),
            (401, WHATSAPP, body, signed(body, "OTHER")),
            (401, f"{WHATSAPP}/other", body, signed(body, "ACME")),
            (401, TELEGRAM, update(), token("ACME")),
            (400, WHATSAPP, b"{nothing", signed(b"{nothing", "ACME")),
            (415, WHATSAPP, body, signed(body, "ACME") | {"content-type": "text/plain"}),
            (404, "/webhooks/nobody", body, signed(body, "ACME")),
            (404, f"{WHATSAPP}/nobody", body, signed(body, "ACME")),
        ):
            answer = await gateway.post(path, content, headers, pieces=pieces)
            assert (answer[0], "error" in codec.loads(answer[2])) == (expected, True)
        assert await gateway.inbox() == []


async def test_unrouted_and_unrecognised_are_kept_and_answered_200(settings: Settings):
    async with served(settings, ACME, OTHER) as gateway:
        for body, headers in (
            (wa("999"), signed(wa("999"), "ACME")),
            (b'{"object":"whatsapp_business_account","new":1}', None),
        ):
            posted = await gateway.post(WHATSAPP, body, headers or signed(body, "OTHER"))
            assert posted[0] == 200
        unrouted, unrecognised = sorted(await gateway.inbox(), key=lambda one: type(one).__name__)[
            ::-1
        ]
    assert isinstance(unrouted, WebhookUnrouted)
    assert isinstance(unrecognised, WebhookReceived)
    assert (unrouted.account, unrecognised.kind) == ("999", "unrecognised")


@pytest.mark.parametrize("provider", list(PROVIDERS))
async def test_every_shared_body_is_answered_200(settings: Settings, provider: str):
    async with served(settings, tenant("acme", _account(provider))) as gateway:
        for file in webhook_files(provider):
            body = file.read_bytes()
            headers = PROVIDERS[provider].sign(body, SECRETS["ACME"])
            answer = await gateway.post(f"/webhooks/{provider}", body, headers)
            assert answer[0] == 200, file.name
        assert len(await gateway.inbox()) >= len(webhook_files(provider))


def _account(provider: str) -> Account:
    platform = PROVIDERS[provider].platform
    return Account(provider=provider, account="100", platform=platform, secrets=("env:ACME",))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("pieces", [1, 3])
async def test_every_provider_may_use_any_verb_and_say_more_in_the_path(
    settings: Settings, method: str, pieces: int
):
    """Whapi's modes `path` and `method`, and what a proxy or an Evolution server appends."""
    async with served(settings, tenant("acme", *map(_account, PROVIDERS))) as gateway:
        posted = 0
        for name, provider in PROVIDERS.items():
            for path in (name, f"{name}/acme", f"{name}/acme/100/any/thing", *ADDED.get(name, ())):
                body = codec.dumps({"new": posted})
                headers = provider.sign(body, SECRETS["ACME"])
                answer = await gateway.post(
                    f"/webhooks/{path}", body, headers, method=method, pieces=pieces
                )
                assert answer[0] == 200, (method, path)
                posted += 1
        found = await gateway.inbox()
        assert len(found) == posted
        assert {one.account for one in found} == {"100"}


async def test_a_tenant_that_is_added_is_known_without_a_restart(settings: Settings):
    body = message("wamid.1")
    async with served(settings) as gateway:
        assert (await gateway.post(WHATSAPP, body, signed(body, "ACME")))[0] == 401
        await prepare(settings, ACME)
        async with asyncio.timeout(10):
            while (await gateway.post(WHATSAPP, body, signed(body, "ACME")))[0] != 200:
                await asyncio.sleep(0.02)


async def test_the_pages_beside_the_webhooks_tell_what_this_is(settings: Settings):
    async with served(settings, ACME) as gateway:
        status, body = await gateway.get("/")
        told = codec.loads(body)
        assert (status, told["name"], told["role"]) == (200, "chatfold", "gateway")
        for page in (*told["links"].values(), "/health"):
            assert (await gateway.get(page))[0] == 200, page
        _, figures = await gateway.get("/metrics")
        assert b"chatfold_gateway_webhooks_total" in figures
        assert b"chatfold_role_heartbeat_timestamp_seconds" in figures
        assert (await gateway.get("/elsewhere"))[0] == 404
        assert (await gateway.get("/webhooks"))[0] == 404
        query = "hub.mode=subscribe&hub.verify_token=acme's word&hub.challenge=42"
        assert await gateway.get(f"{WHATSAPP}?{query}") == (200, b"42")


async def test_past_the_bound_it_is_503_with_retry_after_and_memory_stays_bounded(
    settings: Settings,
):
    async with served(settings, ACME, pending_bytes=300_000) as gateway:
        bodies = [message(f"wamid.{n}", text="x" * 20_000) for n in range(400)]
        posts = [gateway.post(WHATSAPP, body, signed(body, "ACME")) for body in bodies]
        answers = await asyncio.gather(*posts)
        refused = [headers for status, headers, _ in answers if status == 503]
        accepted = sum(status == 200 for status, _, _ in answers)
        assert accepted + len(refused) == 400
        assert accepted
        assert refused
        assert {headers["retry-after"] for headers in refused} == {"1"}
        assert len(await gateway.inbox()) == accepted
        body = message("wamid.after")
        assert (await gateway.post(WHATSAPP, body, signed(body, "ACME")))[0] == 200


async def test_many_slow_large_bodies_are_refused_before_they_fill_the_memory(settings: Settings):
    async with served(settings, ACME, pending_bytes=2_000_000) as gateway:
        body = message("wamid.large", text="x" * 900_000)
        posts = [gateway.post(WHATSAPP, body, signed(body, "ACME"), pieces=30) for _ in range(30)]
        statuses = [status for status, _, _ in await asyncio.gather(*posts)]
    assert set(statuses) == {200, 503}


async def raw(gateway_url: str, *pieces: bytes, answers: int = 1, pause: float = 0.01) -> bytes:
    """What comes back on one connection for bytes sent piece by piece."""
    host, _, port = gateway_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(pause)
    found = b""
    async with asyncio.timeout(10):
        while found.count(b"HTTP/1.1 ") < answers or not found.endswith((b"\r\n\r\n", b"}")):
            chunk = await reader.read(65536)
            if not chunk:
                break
            found += chunk
    writer.close()
    return found


def posted(body: bytes, *extra: str) -> bytes:
    head = [f"POST {WHATSAPP} HTTP/1.1", "host: x", f"content-length: {len(body)}", *extra]
    head += [f"{name}: {value}" for name, value in signed(body, "ACME").items()]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


async def test_requests_sent_at_once_on_one_connection_are_answered_in_order(settings: Settings):
    async with served(settings, ACME) as gateway:
        bodies = [message(f"wamid.{n}") for n in range(5)]
        sent = posted(bodies[0]) + posted(b"{") + posted(bodies[1])
        found = await raw(gateway.url, sent + b"".join(map(posted, bodies[2:])), answers=6)
        statuses = [part[:3] for part in found.split(b"HTTP/1.1 ")[1:]]
        assert statuses == [b"200", b"400", b"200", b"200", b"200", b"200"]
        assert sorted(names(await gateway.inbox())) == [f"wamid.{n}" for n in range(5)]


@pytest.mark.parametrize("size", [1, 7, 400])
async def test_a_request_that_comes_in_small_pieces_is_the_same_request(settings: Settings, size):
    async with served(settings, ACME) as gateway:
        request = posted(message("wamid.1"))
        pieces = [request[at : at + size] for at in range(0, len(request), size)]
        assert (await raw(gateway.url, *pieces, pause=0)).startswith(b"HTTP/1.1 200 OK\r\n")
        assert names(await gateway.inbox()) == ["wamid.1"]


async def test_a_connection_is_kept_or_closed_as_the_caller_asks(settings: Settings):
    async with served(settings, ACME) as gateway:
        request = posted(message("wamid.1"))
        found = await raw(gateway.url, request, request, answers=2, pause=0.2)
        assert found.count(b"200 OK") == 2
        closing = posted(message("wamid.2"), "connection: close")
        found = await raw(gateway.url, closing, request, answers=2, pause=0.2)
        assert found.count(b"200 OK") == 1


async def test_bytes_that_are_no_http_are_400_and_others_go_on(settings: Settings):
    async with served(settings, ACME) as gateway:
        assert (await raw(gateway.url, b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400")
        body = message("wamid.1")
        assert (await gateway.post(WHATSAPP, body, signed(body, "ACME")))[0] == 200


async def test_a_caller_that_hangs_up_costs_nobody_else(settings: Settings):
    async with served(settings, ACME) as gateway:
        host, _, port = gateway.url.removeprefix("http://").partition(":")
        for cut in (30, 300, None):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(posted(message("wamid.gone"))[:cut])
            await writer.drain()
            writer.close()
        body = message("wamid.1")
        assert (await gateway.post(WHATSAPP, body, signed(body, "ACME")))[0] == 200


async def test_a_connection_that_is_idle_for_long_is_closed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(serving, "KEEP_ALIVE_SECONDS", 1)
    monkeypatch.setattr(protocol, "LEAST_IDLE_SECONDS", 0.05)
    async with served(settings, ACME) as gateway:
        host, _, port = gateway.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        began = time.monotonic()
        for number in range(3):
            writer.write(posted(message(f"wamid.{number}")))
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.5)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        assert time.monotonic() - began > 1.5
        writer.close()


async def test_two_gateways_share_a_port_when_they_are_told_to():
    with serving.listen("127.0.0.1", 0, reuse_port=True) as first:
        port = first.getsockname()[1]
        serving.listen("127.0.0.1", port, reuse_port=True).close()
        with pytest.raises(Refusal, match="CHATFOLD_GATEWAY_PORT"):
            serving.listen("127.0.0.1", port)


@pytest.mark.slow
async def test_a_frozen_broker_is_503_in_bounded_time_and_thawed_it_is_200_again(
    own_servers: Stack,
):
    settings = support.isolated(own_servers.settings, "gateway", own_servers.home)
    async with served(settings, ACME, append_seconds=1.0) as gateway:
        body = message("wamid.before")
        assert (await gateway.post(WHATSAPP, body, signed(body, "ACME")))[0] == 200
        own_servers.kafka.kill(signal.SIGSTOP)
        try:
            began = time.monotonic()
            bodies = [message(f"wamid.{n}") for n in range(50)]
            posts = [gateway.post(WHATSAPP, one, signed(one, "ACME")) for one in bodies]
            answers = await asyncio.gather(*posts)
            assert {status for status, _, _ in answers} == {503}
            assert {headers["retry-after"] for _, headers, _ in answers} == {"5"}
            assert time.monotonic() - began < 3
            status, told = await gateway.get("/readyz")
            assert (status, codec.loads(told)["ready"]) == (503, False)
            assert (await gateway.get("/healthz"))[0] == 200
        finally:
            own_servers.kafka.kill(signal.SIGCONT)
        async with asyncio.timeout(30):
            while (await gateway.post(WHATSAPP, body, signed(body, "ACME")))[0] != 200:
                await asyncio.sleep(0.05)
        assert (await gateway.get("/readyz"))[0] == 200


@pytest.mark.slow
async def test_a_broker_that_is_killed_and_returns_loses_no_webhook_answered_200(
    own_servers: Stack,
):
    settings = support.isolated(own_servers.settings, "gateway killed", own_servers.home)
    async with served(settings, ACME, append_seconds=0.5) as gateway:
        async with Load(gateway.url, connections=20) as load:
            await load.until_accepted(500)
            await asyncio.to_thread(own_servers.kafka.kill)
            await asyncio.to_thread(own_servers.up)
            await load.until_accepted(500)
        assert load.statuses[503]
        assert load.accepted <= set(names(await gateway.inbox()))


@pytest.mark.slow
async def test_sigterm_under_load_ends_it_in_order_and_loses_nothing(
    settings: Settings, tmp_path: Path
):
    await prepare(settings, ACME)
    process, url = role(settings, tmp_path / "log")
    with running(process):
        await asyncio.to_thread(process.wait_ready)
        async with Load(url, connections=20) as load:
            await load.until_accepted(300)
            process.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait_ended, 15) == 0
    assert not set(load.statuses) & {500, 503}, load.statuses
    assert load.accepted <= set(names(await inputs(settings)))
    assert "Traceback" not in process.log.read_text()


def test_a_port_that_is_taken_is_told_with_exit_code_2(settings: Settings, tmp_path: Path):
    asyncio.run(topics.apply(topics.plan(settings)))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        named = settings.model_copy(update={"gateway_port": taken.getsockname()[1]})
        process = Process("gateway", named, tmp_path / "log")
        assert process.wait_ended() == 2
    assert "CHATFOLD_GATEWAY_PORT" in process.log.read_text()
    assert "Traceback" not in process.log.read_text()
