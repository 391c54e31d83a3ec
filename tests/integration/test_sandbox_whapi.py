"""The Whapi adapter against the sandbox, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from chatfold import clock
from chatfold.http import Http
from chatfold.sandbox import Fault, Match, StatusSender, running
from chatfold.sandbox.faults import FaultKind
from chatfold.sandbox.media import File
from providers.failures import FailureCode, Unconfirmed
from providers.protocol import Accepted, Fetched, Heard, Outgoing, Webhook
from providers.whapi import PROVIDER
from schemas import codec
from schemas.content import Content, Media, MessageKind, Status
from streams.ports import Unanswered

CREDENTIALS = {"api_token": "MANTIS-1:secret"}
USER = "4915112345678"
HEARD = Heard(account="MANTIS-1", platform_user_id=USER, platform_message_id="p.1-gBg")


def text(words: str = "hello") -> Outgoing:
    content = Content(kind=MessageKind.TEXT, text=words)
    return Outgoing(
        account="MANTIS-1", to=USER, content=content, reply_to="p.1-gBg", reference="r:1"
    )


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_what_is_sent_read_typed_and_fetched_is_taken_as_whapi_takes_it() -> None:
    async with running(now=clock.now) as box, Http() as http:
        box.media.put("jpeg-1", File(b"abc", "image/jpeg"))
        base = box.whapi_url
        result = await http.drive(PROVIDER.send(text(), CREDENTIALS, base))
        assert isinstance(result, Accepted)
        await http.drive(PROVIDER.mark_read(HEARD, CREDENTIALS, base))
        await http.drive(PROVIDER.show_typing(HEARD, CREDENTIALS, base))
        for reference in ("jpeg-1", "message:jpeg-1"):
            media = Media(reference=reference)
            told = await http.drive(PROVIDER.fetch_media(media, CREDENTIALS, base, 100))
            assert told == Fetched(data=b"abc", mime="image/jpeg")
        seen = [(one.method, one.account, one.status) for one in box.journal.find()]
    methods = ("text", "read", "presence", "media", "media")
    assert seen == [(method, "MANTIS-1", 200) for method in methods]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (FaultKind.BAD_REQUEST, FailureCode.REFUSED),
        (FaultKind.UNAUTHORIZED, FailureCode.UNAUTHENTICATED),
        (FaultKind.FORBIDDEN, FailureCode.RECIPIENT_UNREACHABLE),
        (FaultKind.TOO_MANY, FailureCode.THROTTLED),
        (FaultKind.SERVER_ERROR, FailureCode.PROVIDER_DOWN),
        (FaultKind.UNAVAILABLE, FailureCode.PROVIDER_DOWN),
    ],
)
async def test_a_fault_is_told_in_whapis_words_and_understood(
    fault: FaultKind, code: FailureCode
) -> None:
    async with running(now=clock.now) as box, Http() as http:
        match = Match(provider="whapi", account="MANTIS-1", to=USER, text="hell")
        box.faults.add(Fault(fault=fault, match=match, retry_after=7))
        refused = await http.drive(PROVIDER.send(text(), CREDENTIALS, box.whapi_url))
        taken = await http.drive(PROVIDER.send(text(), CREDENTIALS, box.whapi_url))
    assert (refused.code, refused.retry_after_seconds) == (code, 7)
    assert isinstance(taken, Accepted)


@pytest.mark.parametrize("fault", [FaultKind.LOST_ANSWER, FaultKind.MALFORMED])
async def test_what_was_taken_without_a_word_is_not_known_to_be_sent(fault: FaultKind) -> None:
    async with running(now=clock.now) as box, Http() as http:
        box.faults.add(Fault(fault=fault))
        told = await http.drive(PROVIDER.send(text(), CREDENTIALS, box.whapi_url))
        assert box.journal.summary()["accepted"] == 1
    assert isinstance(told, Unanswered | Unconfirmed)


async def test_what_whapi_would_not_take_the_sandbox_does_not_take() -> None:
    async with running(now=clock.now) as box, Http() as http:
        spent = {"api_token": "MANTIS-1:expired"}
        told = await http.drive(PROVIDER.send(text(), spent, box.whapi_url))
        assert told.code is FailureCode.UNAUTHENTICATED
        media = Media(reference="jpeg-1")
        told = await http.drive(PROVIDER.fetch_media(media, spent, box.whapi_url, 100))
        assert told.code is FailureCode.UNAUTHENTICATED


async def test_statuses_come_as_whapi_tells_them() -> None:
    taken: list[Webhook] = []
    done = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        taken.append(Webhook(body=await request.read(), headers=headers))
        if len(taken) == 3:
            done.set()
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/webhooks/whapi", take)])
    async with served(app) as url:
        sender = StatusSender(f"{url}/webhooks/whapi", "s3cret", clock.now, provider="whapi")
        async with (
            sender,
            running(now=clock.now, on_accepted=sender.offer) as box,
            Http() as http,
        ):
            sent = await http.drive(PROVIDER.send(text(), CREDENTIALS, box.whapi_url))
            await asyncio.wait_for(done.wait(), 20)
    assert all(PROVIDER.verify(webhook, "s3cret") for webhook in taken)
    items = [item for one in taken for item in PROVIDER.split(codec.loads(one.body))]
    assert {(item.account, item.platform_user_id) for item in items} == {("MANTIS-1", USER)}
    told = [PROVIDER.parse(item.kind, item.fragment) for item in items]
    assert [one.status for one in told] == [Status.SENT, Status.DELIVERED, Status.READ]
    assert {one.platform_message_id for one in told} == {sent.platform_message_id}
