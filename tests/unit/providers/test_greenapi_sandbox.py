"""The sandbox's Green API takes what we send, and refuses in words that we understand."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from chatfold.sandbox.greenapi import GreenApi
from chatfold.sandbox.journal import Received
from providers.failures import FailureCode
from providers.greenapi import PROVIDER
from providers.protocol import Accepted, Heard, HttpResponse, Outgoing
from schemas import codec
from schemas.content import Content, Media, MessageKind
from tests.support.exchanges import drive

BASE = "http://127.0.0.1:9000"
HELLO = Content(kind=MessageKind.TEXT, text="hello")


def judged(request):
    """What the sandbox answers to a request of ours."""
    path = urlsplit(request.url).path
    _, instance, method, token = path.split("/")
    body = codec.loads(request.body)
    received = Received(
        number=7,
        received_at=datetime(2026, 1, 5, tzinfo=UTC),
        provider="greenapi",
        account=instance.removeprefix("waInstance"),
        method=method,
        to=body.get("chatId"),
        body=body,
    )
    return GreenApi(BASE, path).judge(received, token)


def response(found):
    return HttpResponse(
        status=found.status, headers=found.headers or {}, body=codec.dumps(found.body)
    )


def send(content=HELLO, token="secret", to="15550100201"):
    message = Outgoing(account="200", to=to, content=content, reply_to="M1", reference="r")
    exchange = PROVIDER.send(message, {"api_token": token}, BASE)
    request = next(exchange)
    try:
        exchange.send(response(judged(request)))
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it asked again")


PLACE = {"latitude": 51.5, "longitude": -0.1}
CARD = {"contacts": [{"name": "Ada", "phones": [{"phone": "+1555"}]}]}


@pytest.mark.parametrize(
    "content",
    [
        HELLO,
        Content(kind=MessageKind.IMAGE, media=Media(reference="https://x.example/a.png")),
        Content(kind=MessageKind.LOCATION, structured=PLACE),
        Content(kind=MessageKind.CONTACT, structured=CARD),
        Content(kind=MessageKind.REACTION, structured={"emoji": "👍", "target": "M1"}),
    ],
    ids=lambda content: content.kind,
)
def test_all_that_we_send_is_taken_and_named(content):
    result = send(content)
    assert result == Accepted(platform_message_id="3EB00000000000000007", http_status=200)


@pytest.mark.parametrize(
    ("token", "to", "code"),
    [
        ("is-expired", "15550100201", FailureCode.UNAUTHENTICATED),
        ("is-starting", "15550100201", FailureCode.PROVIDER_DOWN),
        ("is-spent", "15550100201", FailureCode.QUOTA_EXHAUSTED),
        ("secret", "nobody@nowhere", FailureCode.RECIPIENT_UNREACHABLE),
    ],
)
def test_an_instance_in_trouble_says_so_and_shows_no_token(token, to, code):
    failure = send(token=token, to=to)
    assert failure.code is code
    assert token not in repr(failure)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, FailureCode.CONTENT_REFUSED),
        (401, FailureCode.UNAUTHENTICATED),
        (403, FailureCode.UNAUTHENTICATED),
        (429, FailureCode.THROTTLED),
        (500, FailureCode.PROVIDER_DOWN),
        (503, FailureCode.PROVIDER_DOWN),
    ],
)
def test_an_ordered_fault_speaks_as_green_api_does(status, code):
    message = Outgoing(account="200", to="1", content=HELLO, reply_to=None, reference="r")
    refusal = response(GreenApi(BASE, "/x").refuse(status, 7))
    _, failure = drive(PROVIDER.send(message, {"api_token": "t"}, BASE), refusal)
    assert (failure.code, failure.retry_after_seconds) == (code, 7)


def test_a_file_is_where_the_sandbox_says():
    exchange = PROVIDER.fetch_media(
        Media(reference="200 1@c.us M/1"), {"api_token": "t"}, BASE, 100
    )
    fetched = exchange.send(response(judged(next(exchange))))
    assert fetched.url == f"{BASE}/_greenapi/M%2F1"


@pytest.mark.parametrize("shown", ["mark_read", "show_typing"])
def test_reading_and_typing_are_taken(shown):
    told = Heard(account="200", platform_user_id="1", platform_message_id="M1")
    request = next(getattr(PROVIDER, shown)(told, {"api_token": "t"}, BASE))
    assert judged(request).status == 200


def test_what_lacks_something_is_refused_with_its_name():
    received = Received(
        number=1,
        received_at=datetime(2026, 1, 5, tzinfo=UTC),
        provider="greenapi",
        account="200",
        method="sendMessage",
        body={"chatId": "1@c.us"},
    )
    answer = GreenApi(BASE, "/x").judge(received, "t")
    assert (answer.status, "'message'" in answer.body["message"]) == (400, True)
    received.method = "sendPigeon"
    assert GreenApi(BASE, "/x").judge(received, "t").status == 404
