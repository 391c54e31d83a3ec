"""The sandbox judges as Instagram does, in words that our adapter understands."""

from datetime import UTC, datetime

import pytest

from chatfold.sandbox.instagram import Messaging
from chatfold.sandbox.journal import Received
from providers import meta
from providers.failures import FailureCode, SendFailure
from providers.protocol import HttpRequest, HttpResponse
from schemas import codec

AT = datetime(2026, 11, 21, tzinfo=UTC)
TEXT = {"recipient": {"id": "5"}, "message": {"text": "hi", "metadata": "reply:1"}}
IMAGE = {"attachment": {"type": "image", "payload": {"url": "https://example.com/a.png"}}}
REQUEST = HttpRequest(method="POST", url="https://example.com/")


def received(body: object, method: str = "messages") -> Received:
    told = {"number": 1, "received_at": AT, "provider": "instagram", "account": "me"}
    return Received(**told, method=method, to="5", is_send=True, body=body)


@pytest.mark.parametrize("message", [{"text": "hi"}, IMAGE, {"attachment": {"type": "like_heart"}}])
def test_a_well_formed_message_is_taken_and_named(message: object) -> None:
    answer = Messaging().judge(received({**TEXT, "message": message}), "Bearer token")
    assert answer.status == 200
    assert answer.message_id
    assert answer.body == {"recipient_id": "5", "message_id": answer.message_id}


@pytest.mark.parametrize("action", ["mark_seen", "typing_on"])
def test_what_is_done_and_not_said_has_no_name(action: str) -> None:
    body = {"recipient": {"id": "5"}, "sender_action": action}
    answer = Messaging().judge(received(body, action), "Bearer token")
    assert (answer.status, answer.body, answer.message_id) == (200, {"recipient_id": "5"}, None)


@pytest.mark.parametrize(
    "change",
    [
        {"recipient": None},
        {"message": None},
        {"message": {"text": ""}},
        {"message": {"text": "é" * 501}},
        {"message": {"text": "hi", **IMAGE}},
        {"message": {"attachment": {"type": "song", "payload": {"url": "x"}}}},
        {"message": {"attachment": {"type": "image", "payload": {}}}},
        {"message": {"attachment": {"type": [[]], "payload": []}}},
        {"sender_action": "dance"},
        {"sender_action": "react", "payload": {}},
    ],
)
def test_a_malformed_message_is_refused(change: dict[str, object]) -> None:
    answer = Messaging().judge(received({**TEXT, **change}), "Bearer token")
    assert (answer.status, answer.body["error"]["code"]) == (400, 100)


@pytest.mark.parametrize("authorization", ["", "token", "Bearer expired"])
def test_instagram_wants_a_token(authorization: str) -> None:
    assert Messaging().judge(received(TEXT), authorization).status == 401


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, FailureCode.RECIPIENT_UNREACHABLE),
        (401, FailureCode.UNAUTHENTICATED),
        (403, FailureCode.OUTSIDE_WINDOW),
        (429, FailureCode.THROTTLED),
        (500, FailureCode.PROVIDER_DOWN),
        (503, FailureCode.PROVIDER_DOWN),
    ],
)
def test_every_fault_has_the_meaning_that_it_has_at_meta(status: int, code: FailureCode) -> None:
    answer = Messaging().refuse(status, 7)
    response = HttpResponse(
        status=answer.status, headers=answer.headers or {}, body=codec.dumps(answer.body)
    )
    failure = meta.refusal(REQUEST, response)
    assert isinstance(failure, SendFailure)
    assert (failure.code, failure.retry_after_seconds) == (code, 7.0)
