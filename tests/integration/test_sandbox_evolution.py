"""The Evolution adapter against the sandbox, over real sockets."""

import asyncio

import pytest
from aiohttp import web

from chatfold import clock
from chatfold.http import Http
from chatfold.sandbox import Fault, Match, StatusSender, running
from chatfold.sandbox.evolution import NO_INSTANCE, NO_MESSAGE, echo_webhook
from chatfold.sandbox.faults import FaultKind
from chatfold.sandbox.media import File
from providers.evolution import PROVIDER
from providers.failures import FailureCode, Unconfirmed
from providers.protocol import Accepted, Fetched, Heard, Outgoing, Webhook
from schemas import codec
from schemas.content import Content, Media, MessageKind, Status
from streams.ports import Unanswered

CREDENTIALS = {"api_key": "sandbox-key"}
USER, LID = "4915112345678", "98765432109876@lid"
LINK = "https://files.example.com/1"


def said(kind=MessageKind.TEXT, *, to=USER, account="sales", **content) -> Outgoing:
    content = content or {"text": "hello"}
    return Outgoing(
        account=account,
        to=to,
        content=Content(kind=kind, **content),
        reply_to="3EB0IN",
        reference="r:1",
    )


EVERY_KIND = [
    said(),
    said(to=LID),
    said(MessageKind.IMAGE, media=Media(reference=LINK), caption="c"),
    said(MessageKind.VOICE, media=Media(reference=LINK)),
    said(MessageKind.STICKER, media=Media(reference=LINK)),
    said(MessageKind.LOCATION, structured={"latitude": 1.0, "longitude": 2.0}),
    said(
        MessageKind.CONTACT,
        structured={"contacts": [{"name": "Ada", "phones": [{"phone": "+15550100299"}]}]},
    ),
    said(MessageKind.REACTION, structured={"target": "3EB0IN", "emoji": "👍"}),
]


async def test_every_kind_is_taken_as_evolution_takes_it() -> None:
    async with running(now=clock.now) as box, Http() as http:
        for message in EVERY_KIND:
            told = await http.drive(PROVIDER.send(message, CREDENTIALS, box.evolution_url))
            assert isinstance(told, Accepted), message
            assert told.http_status == 201
        seen = [(one.account, one.to, one.is_send) for one in box.journal.find()]
    assert seen == [("sales", message.to, True) for message in EVERY_KIND]


async def test_reading_and_typing_are_shown_and_files_handed_over() -> None:
    heard = Heard(account="sales", platform_user_id=USER, platform_message_id="3EB0IN")
    async with running(now=clock.now) as box, Http() as http:
        base = box.evolution_url
        box.media.put("3EB0IN", File(bytes(range(256)), "image/jpeg"))
        await http.drive(PROVIDER.mark_read(heard, CREDENTIALS, base))
        await http.drive(PROVIDER.show_typing(heard, CREDENTIALS, base))
        seen = [(one.method, one.to, one.status) for one in box.journal.find()]
        assert seen == [("markMessageAsRead", USER, 201), ("sendPresence", USER, 201)]
        fetch = [
            await http.drive(PROVIDER.fetch_media(Media(reference=one), CREDENTIALS, base, size))
            for one, size in (("sales/3EB0IN", 256), ("sales/3EB0IN", 255))
        ]
        lost = Media(reference=f"sales/{NO_MESSAGE}")
        missing = await http.drive(PROVIDER.fetch_media(lost, CREDENTIALS, base, 100))
    assert fetch[0] == Fetched(data=bytes(range(256)), mime="image/jpeg")
    assert fetch[1].code is FailureCode.TOO_LARGE
    assert missing.code is FailureCode.MEDIA_UNAVAILABLE


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
async def test_a_fault_is_told_in_evolutions_words_and_understood(
    fault: FaultKind, code: FailureCode
) -> None:
    async with running(now=clock.now) as box, Http() as http:
        match = Match(provider="evolution", account="sales", to=USER, text="hell")
        box.faults.add(Fault(fault=fault, match=match, retry_after=7))
        refused = await http.drive(PROVIDER.send(said(), CREDENTIALS, box.evolution_url))
        taken = await http.drive(PROVIDER.send(said(), CREDENTIALS, box.evolution_url))
    assert (refused.code, refused.retry_after_seconds) == (code, 7)
    assert isinstance(taken, Accepted)


@pytest.mark.parametrize("fault", [FaultKind.LOST_ANSWER, FaultKind.MALFORMED])
async def test_what_was_taken_without_a_word_is_not_known_to_be_sent(fault: FaultKind) -> None:
    async with running(now=clock.now) as box, Http() as http:
        box.faults.add(Fault(fault=fault))
        told = await http.drive(PROVIDER.send(said(), CREDENTIALS, box.evolution_url))
        assert box.journal.summary()["accepted"] == 1
    assert isinstance(told, Unanswered | Unconfirmed)


@pytest.mark.parametrize(
    ("message", "key", "code"),
    [
        (said(), "expired", FailureCode.UNAUTHENTICATED),
        (said(account=NO_INSTANCE), "k", FailureCode.NOT_CONFIGURED),
        (said(to="00012345"), "k", FailureCode.RECIPIENT_UNREACHABLE),
    ],
)
async def test_what_evolution_would_not_take_the_sandbox_does_not_take(
    message: Outgoing, key: str, code: FailureCode
) -> None:
    async with running(now=clock.now) as box, Http() as http:
        told = await http.drive(PROVIDER.send(message, {"api_key": key}, box.evolution_url))
        assert box.journal.summary()["accepted"] == 0
    assert told.code is code


async def test_what_was_sent_comes_back_as_our_own() -> None:
    async with running(now=clock.now) as box, Http() as http:
        sent = await http.drive(PROVIDER.send(said(to=LID), CREDENTIALS, box.evolution_url))
        [received] = box.journal.find()
        [item] = PROVIDER.split(echo_webhook(received, clock.now()))
    echo = PROVIDER.parse(item.kind, item.fragment)
    assert (item.account, item.platform_user_id) == ("sales", LID)
    assert (echo.is_own, echo.from_human) == (True, False)
    assert echo.platform_message_id == sent.platform_message_id


async def test_statuses_come_as_evolution_tells_them() -> None:
    taken: list[Webhook] = []
    done = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        taken.append(Webhook(body=await request.read(), headers=headers))
        if len(taken) == 3:
            done.set()
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/webhooks/evolution", take)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/evolution"
        sender = StatusSender(url, "s3cret", clock.now, provider="evolution")
        async with (
            sender,
            running(now=clock.now, on_accepted=sender.offer) as box,
            Http() as http,
        ):
            sent = await http.drive(PROVIDER.send(said(), CREDENTIALS, box.evolution_url))
            await asyncio.wait_for(done.wait(), 20)
    finally:
        await runner.cleanup()
    assert all(PROVIDER.verify(webhook, "s3cret") for webhook in taken)
    items = [item for one in taken for item in PROVIDER.split(codec.loads(one.body))]
    assert {(item.account, item.platform_user_id) for item in items} == {("sales", USER)}
    told = [PROVIDER.parse(item.kind, item.fragment) for item in items]
    assert [one.status for one in told] == [Status.SENT, Status.DELIVERED, Status.READ]
    assert {one.platform_message_id for one in told} == {sent.platform_message_id}
