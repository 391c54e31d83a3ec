"""The Green API adapter against the sandbox, over real sockets."""

from datetime import UTC, datetime

import pytest

from chatfold import clock
from chatfold.http import Http
from chatfold.sandbox import Fault, Match, running
from chatfold.sandbox.faults import FaultKind
from chatfold.sandbox.journal import Received
from chatfold.sandbox.media import File
from chatfold.sandbox.statuses import BODIES, WORDS
from providers.failures import FailureCode, SendFailure, Unconfirmed
from providers.greenapi import PROVIDER
from providers.protocol import Accepted, Fetched, Heard, Outgoing, StatusReport
from schemas.content import Content, Media, MessageKind, Status
from streams.ports import Unanswered

INSTANCE = "7103000001"
CREDENTIALS = {"api_token": "d75b3a66-very-secret"}
USER = "4915112345678"
CHAT = f"{USER}@c.us"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
HEARD = Heard(account=INSTANCE, platform_user_id=USER, platform_message_id="M1")


def text(words: str = "hello") -> Outgoing:
    content = Content(kind=MessageKind.TEXT, text=words)
    return Outgoing(account=INSTANCE, to=USER, content=content, reply_to="M0", reference="r:1")


async def test_what_is_sent_read_typed_and_fetched_is_taken_as_green_api_takes_it() -> None:
    async with running(now=clock.now) as box, Http() as http:
        box.media.put("M1", File(b"abc", "image/jpeg"))
        base = box.greenapi_url
        result = await http.drive(PROVIDER.send(text(), CREDENTIALS, base))
        await http.drive(PROVIDER.mark_read(HEARD, CREDENTIALS, base))
        await http.drive(PROVIDER.show_typing(HEARD, CREDENTIALS, base))
        media = Media(reference=f"{INSTANCE} {CHAT} M1")
        told = await http.drive(PROVIDER.fetch_media(media, CREDENTIALS, base, 100))
        seen = list(box.journal.find())
    assert isinstance(result, Accepted)
    assert told == Fetched(data=b"abc", mime="image/jpeg")
    methods = ["sendMessage", "readChat", "sendTyping", "downloadFile"]
    assert [(one.method, one.account, one.to, one.status) for one in seen] == [
        *((method, INSTANCE, CHAT, 200) for method in methods),
        ("media", "", None, 200),
    ]
    assert [one.is_send for one in seen] == [True, False, False, False, False]
    assert seen[0].message_id == result.platform_message_id


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (FaultKind.UNAUTHORIZED, FailureCode.UNAUTHENTICATED),
        (FaultKind.TOO_MANY, FailureCode.THROTTLED),
        (FaultKind.SERVER_ERROR, FailureCode.PROVIDER_DOWN),
    ],
)
async def test_an_ordered_fault_is_understood_and_befalls_once(
    kind: FaultKind, code: FailureCode
) -> None:
    async with running(now=clock.now) as box, Http() as http:
        box.faults.add(Fault(fault=kind, match=Match(provider="greenapi", to=CHAT), retry_after=9))
        first = await http.drive(PROVIDER.send(text(), CREDENTIALS, box.greenapi_url))
        second = await http.drive(PROVIDER.send(text(), CREDENTIALS, box.greenapi_url))
    assert isinstance(first, SendFailure)
    assert (first.code, first.retry_after_seconds) == (code, 9)
    assert isinstance(second, Accepted)


def test_statuses_come_as_green_api_tells_them() -> None:
    taken = Received(
        number=1,
        received_at=NOON,
        provider="greenapi",
        account=INSTANCE,
        method="sendMessage",
        to=CHAT,
        message_id="3EB0",
    )
    items = [
        item for word in WORDS for item in PROVIDER.split(BODIES["greenapi"](taken, word, NOON))
    ]
    assert {(item.account, item.platform_user_id) for item in items} == {(INSTANCE, USER)}
    told = [PROVIDER.parse(item.kind, item.fragment) for item in items]
    assert told == [
        StatusReport(platform_message_id="3EB0", status=word, reported_at=NOON)
        for word in (Status.SENT, Status.DELIVERED, Status.READ)
    ]


async def test_an_answer_that_is_lost_or_broken_leaves_the_outcome_open() -> None:
    async with running(now=clock.now) as box, Http() as http:
        box.faults.add(Fault(fault=FaultKind.MALFORMED))
        broken = await http.drive(PROVIDER.send(text(), CREDENTIALS, box.greenapi_url))
        box.faults.add(Fault(fault=FaultKind.LOST_ANSWER))
        lost = await http.drive(PROVIDER.send(text(), CREDENTIALS, box.greenapi_url))
        assert box.journal.summary()["accepted"] == 2
    assert isinstance(broken, Unconfirmed)
    assert isinstance(lost, Unanswered)
    assert CREDENTIALS["api_token"] not in repr(lost)
