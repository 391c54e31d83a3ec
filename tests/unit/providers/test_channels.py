"""What the channels ask for, and what they refuse to ask, without a server."""

from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from providers import mail, plain
from providers.channels import CHANNELS
from providers.failures import FailureCode, SendFailure, Unconfirmed
from providers.protocol import Outgoing
from providers.rates import ALLOWANCES
from providers.registry import PROVIDERS
from providers.sending import MailAnswer, Mailing
from schemas import codec
from schemas.content import Content, Media, MessageKind
from tests.support.exchanges import answer, drive

VAPID = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
SMS = {"account_sid": "AC1", "auth_token": "s3cr3t"}
CONTACT, SERVER = "mailto:ops@acme.example", "smtp://smtp.acme.example:587"


def outgoing(to: str, account: str, words: str = "hello", reference: str = "r:1") -> Outgoing:
    content = Content(kind=MessageKind.TEXT, text=words)
    return Outgoing(account=account, to=to, content=content, reply_to=None, reference=reference)


def word(data: bytes) -> str:
    return urlsafe_b64encode(data).decode()


def subscription(**changes: object) -> str:
    key = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    point = word(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    keys = {"p256dh": changes.pop("p256dh", point), "auth": changes.pop("auth", word(b"a" * 16))}
    told = {"endpoint": "https://fcm.googleapis.com/fcm/send/abc", "keys": keys}
    return codec.dumps(told | changes).decode()


def push(to: str, account: str = CONTACT, base_url: str | None = None, key: str = VAPID):
    credentials = {"vapid_private_key": key}
    return CHANNELS["web_push"].send(outgoing(to, account), credentials, base_url)


def email(to: str = "a@b.example", account: str = "help@acme.example", url: str | None = SERVER):
    return CHANNELS["email"].send(outgoing(to, account), {"user": "u", "password": "p"}, url)


def code_of(exchange: object) -> FailureCode:
    if isinstance(exchange, SendFailure):
        return exchange.code
    asked, ended = drive(exchange)
    assert not asked
    return ended.code


def test_every_channel_has_its_name_its_limits_and_the_providers_are_among_them() -> None:
    assert PROVIDERS.items() <= CHANNELS.items()
    assert all(channel.name == name for name, channel in CHANNELS.items())
    assert CHANNELS.keys() <= ALLOWANCES.keys()


def test_a_subscription_at_a_known_service_is_asked() -> None:
    for host in (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
        "wns2-par02p.notify.windows.com",
    ):
        [request], _ = drive(push(subscription(endpoint=f"https://{host}/x")), answer(201))
        assert request.url == f"https://{host}/x"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://fcm.googleapis.com:8443/x",
        "https://169.254.169.254/latest",
        "https://localhost/x",
        "https://evil.example/.push.apple.com",
        "https://fcm.googleapis.com\\@evil.example/x",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_browser_cannot_send_us_elsewhere(endpoint: str) -> None:
    code = code_of(push(subscription(endpoint=endpoint)))
    assert code is FailureCode.RECIPIENT_UNREACHABLE


@pytest.mark.parametrize(
    "to",
    [
        "",
        "not json",
        "[]",
        '{"endpoint": 5}',
        subscription(p256dh=word(b"\x04" + b"\x01" * 64)),
        subscription(p256dh="AAAA"),
        subscription(p256dh="\N{SNOWMAN}"),
        subscription(auth="AAAA"),
        subscription(auth=None),
        subscription(keys="none"),
    ],
)
def test_what_is_no_subscription_is_unreachable(to: str) -> None:
    assert code_of(push(to)) is FailureCode.RECIPIENT_UNREACHABLE


@pytest.mark.parametrize(
    ("account", "key"),
    [("ops@acme.example", VAPID), (CONTACT, "short"), (CONTACT, "A" * 43), (CONTACT, "é")],
)
def test_a_push_account_that_cannot_sign_is_not_configured(account: str, key: str) -> None:
    assert code_of(push(subscription(), account, key=key)) is FailureCode.NOT_CONFIGURED


def test_a_request_to_a_push_service_shows_no_secret() -> None:
    [request], refused = drive(push(subscription()), answer(403, b"key " + VAPID.encode()))
    assert VAPID not in repr(request) + repr(refused)
    assert refused.code is FailureCode.UNAUTHENTICATED


@pytest.mark.parametrize(("status", "is_known"), [(500, False), (502, False), (400, True)])
def test_only_a_refusal_says_that_nothing_was_pushed(status: int, *, is_known: bool) -> None:
    _, ended = drive(push(subscription()), answer(status, b"<html>"))
    assert isinstance(ended, SendFailure if is_known else Unconfirmed)


@pytest.mark.parametrize("to", ["", "anna", "555", "tel:1", "+49 151\r\nX: y"])
def test_what_is_no_phone_number_gets_no_sms(to: str) -> None:
    sending = CHANNELS["twilio_sms"].send(outgoing(to, "+15550001111"), SMS, None)
    assert code_of(sending) is FailureCode.RECIPIENT_UNREACHABLE


def test_a_request_to_twilio_shows_no_secret() -> None:
    sending = CHANNELS["twilio_sms"].send(outgoing("+4915112345678", "+15550001111"), SMS, None)
    echo = answer(400, {"code": 20001, "message": "s3cr3t QUMxOnMzY3IzdA=="})
    [request], refused = drive(sending, echo)
    assert request.url == "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"
    assert "s3cr3t" not in repr(request) + repr(refused)
    assert "QUMx" not in repr(request) + repr(refused)


def test_a_success_that_names_no_message_is_unconfirmed() -> None:
    sending = CHANNELS["twilio_sms"].send(outgoing("+4915112345678", "+15550001111"), SMS, None)
    _, ended = drive(sending, answer(201, b"{"))
    assert isinstance(ended, Unconfirmed)


@pytest.mark.parametrize(
    "to",
    [
        "",
        "anna",
        "a@b@c",
        "a b@c.example",
        "a@c.example\r\nBcc: x@y.example",
        "a..b@c.example",
        ".a@c.example",
        "zoë@c.example",
        "<a@c.example>",
        "a" * 65 + "@c.example",
    ],
)
def test_what_is_no_address_gets_no_email(to: str) -> None:
    assert code_of(email(to)) is FailureCode.RECIPIENT_UNREACHABLE


@pytest.mark.parametrize(
    ("account", "url"),
    [
        ("Acme", SERVER),
        ("help@acme.example", None),
        ("help@acme.example", "https://smtp.acme.example"),
        ("help@acme.example", "smtp://"),
        ("help@acme.example", "smtp://host:99999"),
        ("help@acme.example", "smtp://[::1"),
    ],
)
def test_an_email_account_that_names_no_server_is_not_configured(
    account: str, url: str | None
) -> None:
    assert code_of(email(account=account, url=url)) is FailureCode.NOT_CONFIGURED


@pytest.mark.parametrize(
    ("url", "port", "security"),
    [
        ("smtp://h", 587, "starttls"),
        ("smtps://h", 465, "tls"),
        ("smtp+plain://h", 25, "none"),
        ("smtp://h:2525", 2525, "starttls"),
    ],
)
def test_the_servers_url_says_how_to_speak_to_it(url: str, port: int, security: str) -> None:
    mailing = email(url=url)
    assert isinstance(mailing, Mailing)
    server = mailing.mail.server
    assert (server.host, server.port, server.security) == ("h", port, security)
    assert "'p'" not in repr(mailing)


def test_a_subject_is_one_line() -> None:
    mailing = email(url=f"{SERVER}?subject=one%0D%0ABcc:%20x@y.example&name=A%0AB")
    assert isinstance(mailing, Mailing)
    assert mailing.mail.subject == "one Bcc: x@y.example"
    assert mailing.mail.sender_name == "A B"


@given(code=st.integers(200, 600), said=st.text())
def test_every_answer_of_a_mail_server_means_something(code: int, said: str) -> None:
    ended = mail.judge(MailAnswer(code, said))
    if 400 <= code < 500:
        assert isinstance(ended, SendFailure)
        assert ended.retryable


@given(to=st.text(), account=st.text(), words=st.text(), base=st.none() | st.text())
@pytest.mark.parametrize("name", ["twilio_sms", "email", "web_push"])
def test_nothing_that_is_asked_of_a_channel_raises(
    name: str, to: str, account: str, words: str, base: str | None
) -> None:
    credentials = SMS | {"user": "u", "password": "p", "vapid_private_key": VAPID}
    sending = CHANNELS[name].send(outgoing(to, account, words), credentials, base)
    if not isinstance(sending, SendFailure | Mailing):
        next(sending, None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (Content(kind=MessageKind.TEXT, text="hi"), "hi"),
        (Content(kind=MessageKind.TEXT, text=" \n"), None),
        (Content(kind=MessageKind.VOICE, media=Media(reference="1")), None),
        (Content(kind=MessageKind.DOCUMENT, media=Media(reference="1"), caption="bill"), "bill"),
        (
            Content(kind=MessageKind.LOCATION, text="Rome", structured={"map_url": "https://m"}),
            "Rome\nhttps://m",
        ),
        (
            Content(
                kind=MessageKind.CONTACT,
                structured={"contacts": [{"name": "Bo", "phones": [{"phone": "+1"}]}]},
            ),
            "Bo +1",
        ),
        (Content(kind=MessageKind.REACTION, text="👍", structured={"target": "1"}), None),
    ],
)
def test_what_is_no_text_goes_as_the_words_it_has(content: Content, words: str | None) -> None:
    assert plain.words_of(content) == words
    assert (plain.objection(words, 100) is None) == (words is not None)


def test_too_many_words_are_refused() -> None:
    refused = plain.objection("x" * 101, 100)
    assert refused is not None
    assert refused.code is FailureCode.CONTENT_REFUSED
