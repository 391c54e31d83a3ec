"""SMS, e-mail and web push against servers that check, refuse, break and decrypt."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatfold import clock
from chatfold.http import Http, Limits
from chatfold.mail import MailPost
from chatfold.push import PushHttp
from chatfold.sandbox import Fault, Sandbox, running
from providers.channels import CHANNELS
from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import Accepted, Outgoing
from providers.sending import Mailing
from schemas.content import Content, Media, MessageKind
from streams.ports import NotConnected, Unanswered
from tests.support import roles, smtp
from tests.support.smtp import Certificate

REFERENCE = "0b4d1c2e-0000-4000-8000-000000000001:2"
SID, VAPID = "AC" + "0" * 32, "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
SMS = {"account_sid": SID, "auth_token": "tw-s3cr3t"}
PUSH = {"vapid_private_key": VAPID}
LOGIN = {"user": smtp.USER, "password": smtp.PASSWORD}


def text(words: str = "Your table is booked, Zoë!") -> Content:
    return Content(kind=MessageKind.TEXT, text=words)


@dataclass
class Edge:
    """The clients that delivery has."""

    http: PushHttp
    mail: MailPost

    async def send(
        self,
        channel: str,
        to: str,
        *,
        account: str,
        credentials: dict[str, str],
        base_url: str | None,
        content: Content | None = None,
        reference: str = REFERENCE,
    ) -> object:
        message = Outgoing(
            account=account, to=to, content=content or text(), reply_to=None, reference=reference
        )
        sending = CHANNELS[channel].send(message, credentials, base_url)
        match sending:
            case SendFailure():
                return sending
            case Mailing():
                return await self.mail.post(sending)
            case _:
                return await self.http.drive(sending)

    async def sms(self, box: Sandbox, to: str = "+4915112345678", **more: object) -> object:
        usual = {"account": "+15550001111", "credentials": SMS, "base_url": box.twilio_url}
        return await self.send("twilio_sms", to, **usual | more)

    async def push(self, box: Sandbox, browser: str = "anna", **more: object) -> object:
        usual = {"account": "mailto:ops@acme.example", "credentials": PUSH, "base_url": box.url}
        return await self.send("web_push", box.subscription(browser), **usual | more)

    async def email(self, url: str, to: str = "anna@example.com", **more: object) -> object:
        usual = {"account": "help@acme.example", "credentials": LOGIN, "base_url": url}
        return await self.send("email", to, **usual | more)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return smtp.certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def edge(certified: Certificate) -> AsyncIterator[Edge]:
    async with Http(Limits(total=2.0)) as http:
        mail = MailPost(clock.now, seconds=1.0, tls=certified.client)
        yield Edge(PushHttp(http, clock.now), mail)


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with running(now=clock.now) as sandbox:
        yield sandbox


async def test_an_sms_is_sent_to_the_number_with_its_words(edge: Edge, box: Sandbox) -> None:
    sent = await edge.sms(box, to="4915112345678")
    assert isinstance(sent, Accepted)
    [got] = box.journal.find(provider="twilio_sms")
    assert (got.to, got.text, got.account) == ("+4915112345678", text().text, SID)
    assert got.body["From"] == "+15550001111"
    assert sent.platform_message_id == got.message_id
    assert str(got.message_id).startswith("SM")


async def test_an_sms_can_leave_through_a_messaging_service(edge: Edge, box: Sandbox) -> None:
    service = "MG" + "a" * 32
    assert isinstance(await edge.sms(box, account=service), Accepted)
    [got] = box.journal.find(provider="twilio_sms")
    assert got.body["MessagingServiceSid"] == service
    assert "From" not in got.body


# Twilio's own numbers for tests of its errors
@pytest.mark.parametrize(
    ("to", "sender", "code", "twilio"),
    [
        ("+15005550001", "+15550001111", FailureCode.RECIPIENT_UNREACHABLE, "21211"),
        ("+15005550002", "+15550001111", FailureCode.RECIPIENT_UNREACHABLE, "21612"),
        ("+15005550003", "+15550001111", FailureCode.RECIPIENT_UNREACHABLE, "21408"),
        ("+15005550004", "+15550001111", FailureCode.BLOCKED_BY_USER, "21610"),
        ("+15005550009", "+15550001111", FailureCode.RECIPIENT_UNREACHABLE, "21614"),
        ("+4915112345678", "+15005550001", FailureCode.NOT_CONFIGURED, "21212"),
        ("+4915112345678", "+15005550007", FailureCode.NOT_CONFIGURED, "21606"),
        ("+4915112345678", "+15005550008", FailureCode.THROTTLED, "21611"),
    ],
)
async def test_twilios_errors_have_their_meaning(
    edge: Edge, box: Sandbox, to: str, sender: str, code: FailureCode, twilio: str
) -> None:
    refused = await edge.sms(box, to=to, account=sender)
    assert isinstance(refused, SendFailure)
    assert refused.code is code
    assert refused.detail.startswith(f"{twilio}: ")


@pytest.mark.parametrize(
    ("fault", "code", "seconds"),
    [
        ("401", FailureCode.UNAUTHENTICATED, None),
        ("403", FailureCode.ACCOUNT_DISABLED, None),
        ("429", FailureCode.THROTTLED, 7.0),
        ("503", FailureCode.PROVIDER_DOWN, None),
    ],
)
async def test_twilios_refusals_have_their_meaning(
    edge: Edge, box: Sandbox, fault: str, code: FailureCode, seconds: float | None
) -> None:
    box.faults.add(Fault(fault=fault, retry_after=7 if seconds else None))
    refused = await edge.sms(box)
    assert isinstance(refused, SendFailure)
    assert (refused.code, refused.retry_after_seconds) == (code, seconds)


@pytest.mark.parametrize(
    ("fault", "unknown"),
    [
        ("500", Unconfirmed(reason=Unknown.SERVER_ERROR, http_status=500, detail="HTTP 500")),
        ("lost_answer", Unknown.CONNECTION_LOST),
        ("slow", Unknown.TIMEOUT),
    ],
)
async def test_after_an_error_of_twilios_own_nobody_says_that_it_failed(
    edge: Edge, box: Sandbox, fault: str, unknown: object
) -> None:
    box.faults.add(Fault(fault=fault, delay=5))
    ended = await edge.sms(box)
    assert unknown in {ended, getattr(ended, "reason", None)}


async def test_a_wrong_token_is_an_authentication_failure_and_is_told_nowhere(
    edge: Edge, box: Sandbox
) -> None:
    refused = await edge.sms(box, credentials=SMS | {"auth_token": "tw-expired"})
    assert isinstance(refused, SendFailure)
    assert refused.code is FailureCode.UNAUTHENTICATED
    assert "tw-expired" not in repr(refused)


async def test_only_the_browser_can_read_what_was_pushed_to_it(edge: Edge, box: Sandbox) -> None:
    sent = await edge.push(box)
    assert isinstance(sent, Accepted)
    [got] = box.journal.find(provider="web_push")
    assert got.text == text().text
    assert sent.platform_message_id == got.message_id
    other, anna = box.browsers.subscribed("other"), box.browsers.subscribed("anna")
    assert other.key != anna.key
    assert got.body["encoding"] == "aes128gcm"
    assert got.body["ttl"] == "86400"
    assert got.reference == "0b4d1c2e000040008000000000000001"


async def test_a_repeat_replaces_what_the_browser_has_not_fetched(edge: Edge, box: Sandbox) -> None:
    for attempt in (1, 2):
        await edge.push(box, reference=f"{REFERENCE[:-2]}:{attempt}")
    topics = {one.reference for one in box.journal.find(provider="web_push")}
    assert len(topics) == 1


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("401", FailureCode.UNAUTHENTICATED, 401),
        ("403", FailureCode.UNAUTHENTICATED, 403),
        ("429", FailureCode.THROTTLED, 429),
        ("503", FailureCode.PROVIDER_DOWN, 503),
    ],
)
async def test_a_push_services_refusals_have_their_meaning(
    edge: Edge, box: Sandbox, fault: str, code: FailureCode, status: int
) -> None:
    box.faults.add(Fault(fault=fault, retry_after=30))
    refused = await edge.push(box)
    assert isinstance(refused, SendFailure)
    assert (refused.code, refused.http_status) == (code, status)
    assert refused.retry_after_seconds == 30


async def test_a_browser_that_is_gone_is_unreachable(edge: Edge, box: Sandbox) -> None:
    refused = await edge.push(box, "gone-anna")
    assert isinstance(refused, SendFailure)
    assert (refused.code, refused.http_status) == (FailureCode.RECIPIENT_UNREACHABLE, 410)
    assert not refused.retryable


async def test_an_email_arrives_as_it_was_written(edge: Edge, certified: Certificate) -> None:
    async with smtp.serving(starttls=certified.server) as postbox:
        url = f"{postbox.url}?subject=News%20from%20Caf%C3%A9&name=Acme%20Help"
        sent = await edge.email(url)
    assert sent == Accepted(platform_message_id=f"<{REFERENCE[:-2]}@acme.example>", http_status=250)
    [mail] = postbox.mails
    assert mail["From"] == "Acme Help <help@acme.example>"
    assert mail["To"] == "anna@example.com"
    assert mail["Subject"] == "News from Café"
    assert mail["Message-ID"] == sent.platform_message_id
    assert abs((mail["Date"].datetime - clock.now()).total_seconds()) < 60
    assert mail.get_content().strip() == text().text
    assert postbox.logins == [smtp.USER]


async def test_every_attempt_at_a_reply_has_the_same_message_id(
    edge: Edge, certified: Certificate
) -> None:
    async with smtp.serving(tls=certified.server) as postbox:
        for attempt in (1, 2):
            await edge.email(postbox.url, reference=f"{REFERENCE[:-2]}:{attempt}")
    assert len(postbox.mails) == 2
    assert len({mail["Message-ID"] for mail in postbox.mails}) == 1


async def test_a_relay_of_ones_own_needs_no_password(edge: Edge) -> None:
    async with smtp.serving() as postbox:
        assert isinstance(await edge.email(postbox.url, credentials={}), Accepted)
    assert len(postbox.mails) == 1


@pytest.mark.parametrize(
    ("step", "answer", "code", "retryable"),
    [
        ("rcpt", "550 5.1.1 no such user", FailureCode.RECIPIENT_UNREACHABLE, False),
        ("rcpt", "450 4.2.0 greylisted", FailureCode.THROTTLED, True),
        ("rcpt", "451 4.3.0 try later", FailureCode.PROVIDER_DOWN, True),
        ("rcpt", "554 5.7.1 relay access denied", FailureCode.REFUSED, False),
        ("data", "552 5.3.4 too big", FailureCode.CONTENT_REFUSED, False),
        ("data", "421 4.3.2 shutting down", FailureCode.PROVIDER_DOWN, True),
        ("data", "554 5.7.1 looks like spam s3cr3t", FailureCode.REFUSED, False),
    ],
)
async def test_a_mail_servers_refusals_have_their_meaning(
    edge: Edge,
    certified: Certificate,
    step: str,
    answer: str,
    code: FailureCode,
    *,
    retryable: bool,
) -> None:
    async with smtp.serving(starttls=certified.server) as postbox:
        setattr(postbox, step, answer)
        refused = await edge.email(postbox.url)
    assert isinstance(refused, SendFailure)
    assert (refused.code, refused.retryable) == (code, retryable)
    assert refused.http_status == int(answer[:3])
    assert "s3cr3t" not in refused.detail
    assert not postbox.mails


async def test_a_wrong_password_is_an_authentication_failure(
    edge: Edge, certified: Certificate
) -> None:
    async with smtp.serving(starttls=certified.server) as postbox:
        refused = await edge.email(postbox.url, credentials=LOGIN | {"password": "wrong"})
    assert isinstance(refused, SendFailure)
    assert refused.code is FailureCode.UNAUTHENTICATED


async def test_cut_off_after_the_message_nobody_knows_whether_it_was_taken(
    edge: Edge, certified: Certificate
) -> None:
    async with smtp.serving(starttls=certified.server) as postbox:
        postbox.cut = True
        ended = await edge.email(postbox.url)
    assert isinstance(ended, Unanswered)
    assert ended.reason is Unknown.CONNECTION_LOST


async def test_without_an_answer_to_the_message_nobody_knows_whether_it_was_taken(
    edge: Edge, certified: Certificate
) -> None:
    async with smtp.serving(starttls=certified.server) as postbox:
        postbox.slow = 1.5
        ended = await edge.email(postbox.url)
    assert isinstance(ended, Unanswered)
    assert ended.reason is Unknown.TIMEOUT


async def test_a_mail_server_that_nobody_can_connect_to_took_nothing(edge: Edge) -> None:
    ended = await edge.email(f"smtp+plain://127.0.0.1:{roles.free_port()}")
    assert isinstance(ended, NotConnected)


async def test_without_encryption_neither_password_nor_message_is_sent(edge: Edge) -> None:
    async with smtp.serving() as postbox:
        ended = await edge.email(postbox.url.replace("smtp+plain", "smtp"))
    assert isinstance(ended, NotConnected)
    assert (postbox.logins, postbox.mails) == ([], [])


async def test_a_server_that_cannot_prove_its_name_gets_nothing(
    certified: Certificate, tmp_path: Path, edge: Edge
) -> None:
    async with smtp.serving(starttls=certified.server) as postbox:
        stranger = Edge(edge.http, MailPost(clock.now, seconds=1.0))
        ended = await stranger.email(postbox.url)
    assert isinstance(ended, NotConnected)
    assert (postbox.logins, postbox.mails) == ([], [])


@pytest.mark.parametrize("channel", ["sms", "push"])
async def test_a_picture_goes_as_its_caption_or_not_at_all(
    edge: Edge, box: Sandbox, channel: str
) -> None:
    picture = Content(
        kind=MessageKind.IMAGE, media=Media(reference="1"), caption="The menu of today"
    )
    bare = Content(kind=MessageKind.IMAGE, media=Media(reference="1"))
    send = getattr(edge, channel)
    assert isinstance(await send(box, content=picture), Accepted)
    [got] = box.journal.find()
    assert got.text == "The menu of today"
    refused = await send(box, content=bare)
    assert isinstance(refused, SendFailure)
    assert refused.code is FailureCode.CONTENT_REFUSED


async def test_a_picture_without_a_caption_is_no_email(edge: Edge) -> None:
    bare = Content(kind=MessageKind.IMAGE, media=Media(reference="1"))
    refused = await edge.email("smtp://127.0.0.1:1", content=bare)
    assert isinstance(refused, SendFailure)
    assert refused.code is FailureCode.CONTENT_REFUSED
