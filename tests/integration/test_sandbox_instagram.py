"""Our adapter against the sandbox's Instagram, over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from chatfold import clock
from chatfold.http import Http
from chatfold.sandbox import Fault, FaultKind, Match, Sandbox, running
from chatfold.sandbox.media import File
from chatfold.sandbox.statuses import BODIES, WORDS
from providers.failures import FailureCode, SendFailure, Unconfirmed
from providers.instagram import PROVIDER
from providers.protocol import Accepted, Fetched, Heard, Message, Outgoing, StatusReport
from schemas.content import Content, Media, MessageKind
from streams.ports import Trouble, Unanswered

TOKEN = "17841:sandbox-token"
CREDENTIALS = {"access_token": TOKEN}
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
VOICE = File(b"OggS" * 100, "audio/ogg")


@dataclass
class Instagram:
    """The sandbox, and our adapter with the product's own client."""

    box: Sandbox
    http: Http

    async def send(
        self, words: str, credentials: dict[str, str] = CREDENTIALS
    ) -> Accepted | SendFailure | Unconfirmed | Trouble:
        message = Outgoing(
            account="17841",
            to="5",
            content=Content(kind=MessageKind.TEXT, text=words),
            reply_to="mid.IN",
            reference="reply:1",
        )
        return await self.http.drive(PROVIDER.send(message, credentials, self.box.instagram_url))

    async def fetch(self, link: str, most: int = 1_000) -> Fetched | SendFailure | Trouble:
        media = Media(reference=link)
        return await self.http.drive(
            PROVIDER.fetch_media(media, CREDENTIALS, self.box.instagram_url, most)
        )


@pytest.fixture
async def instagram() -> AsyncIterator[Instagram]:
    async with running(now=clock.now) as box, Http() as http:
        yield Instagram(box, http)


async def test_a_message_is_taken_with_our_reference(instagram: Instagram) -> None:
    result = await instagram.send("hello")
    assert isinstance(result, Accepted)
    [taken] = instagram.box.journal.find()
    assert (taken.provider, taken.account, taken.to) == ("instagram", "17841", "5")
    assert (taken.text, taken.reference) == ("hello", "reply:1")
    assert taken.message_id == result.platform_message_id
    assert taken.body["reply_to"] == {"mid": "mid.IN"}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (FaultKind.BAD_REQUEST, FailureCode.RECIPIENT_UNREACHABLE),
        (FaultKind.UNAUTHORIZED, FailureCode.UNAUTHENTICATED),
        (FaultKind.FORBIDDEN, FailureCode.OUTSIDE_WINDOW),
        (FaultKind.TOO_MANY, FailureCode.THROTTLED),
        (FaultKind.SERVER_ERROR, FailureCode.PROVIDER_DOWN),
        (FaultKind.UNAVAILABLE, FailureCode.PROVIDER_DOWN),
    ],
)
async def test_a_refusal_has_its_meaning(
    instagram: Instagram, fault: FaultKind, code: FailureCode
) -> None:
    meant = Match(provider="instagram", account="17841", to="5", text="hell")
    instagram.box.faults.add(Fault(fault=fault, match=meant, retry_after=3))
    result = await instagram.send("hello")
    assert isinstance(result, SendFailure)
    assert (result.code, result.retry_after_seconds) == (code, 3.0)
    assert isinstance(await instagram.send("hello"), Accepted)


async def test_an_expired_token_is_told_and_shown_nowhere(instagram: Instagram) -> None:
    result = await instagram.send("hello", {"access_token": "17841:expired"})
    assert isinstance(result, SendFailure)
    assert result.code is FailureCode.UNAUTHENTICATED
    assert ":expired" not in repr(result)
    assert ":expired" not in repr([one.as_json() for one in instagram.box.journal.find()])


@pytest.mark.parametrize("fault", [FaultKind.LOST_ANSWER, FaultKind.CUT_AFTER_READ])
async def test_without_an_answer_nobody_knows(instagram: Instagram, fault: FaultKind) -> None:
    instagram.box.faults.add(Fault(fault=fault))
    assert isinstance(await instagram.send("hello"), Unanswered)


async def test_half_an_answer_leaves_the_outcome_open(instagram: Instagram) -> None:
    instagram.box.faults.add(Fault(fault=FaultKind.MALFORMED))
    assert isinstance(await instagram.send("hello"), Unconfirmed)


async def test_reading_and_typing_are_recorded_and_are_no_sends(instagram: Instagram) -> None:
    heard = Heard(account="17841", platform_user_id="5", platform_message_id="mid.IN")
    for shown in (PROVIDER.mark_read, PROVIDER.show_typing):
        await instagram.http.drive(shown(heard, CREDENTIALS, instagram.box.instagram_url))
    told = [(one.method, one.to, one.is_send) for one in instagram.box.journal.find()]
    assert told == [("mark_seen", "5", False), ("typing_on", "5", False)]


async def test_a_file_is_behind_a_signed_link(instagram: Instagram) -> None:
    instagram.box.media.put("voice", VOICE)
    link = f"{instagram.box.url}/instagram/cdn/voice"
    fetched = await instagram.fetch(f"{link}?signature=AYe")
    assert fetched == Fetched(data=VOICE.data, mime="audio/ogg")
    expired = await instagram.fetch(link)
    assert isinstance(expired, SendFailure)
    assert (expired.code, expired.http_status) == (FailureCode.MEDIA_UNAVAILABLE, 403)
    large = await instagram.fetch(f"{link}?signature=AYe", most=10)
    assert isinstance(large, SendFailure)
    assert large.code is FailureCode.TOO_LARGE


async def test_what_was_taken_comes_back_as_our_own_and_is_read_later(instagram: Instagram) -> None:
    result = await instagram.send("hello")
    assert isinstance(result, Accepted)
    [taken] = instagram.box.journal.find()
    bodies = [BODIES["instagram"](taken, word, NOON) for word in WORDS]
    items = [item for body in bodies if body for item in PROVIDER.split(body)]
    assert [(item.kind.value, item.account, item.platform_user_id) for item in items] == [
        ("echo", "17841", "5"),
        ("status", "17841", "5"),
    ]
    echo, reading = (PROVIDER.parse(item.kind, item.fragment) for item in items)
    assert isinstance(echo, Message)
    assert (echo.content.text, echo.is_own, echo.reference) == ("hello", True, "reply:1")
    assert echo.platform_message_id == result.platform_message_id
    assert isinstance(reading, StatusReport)
    assert reading.platform_message_id == result.platform_message_id
