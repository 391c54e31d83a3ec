"""The sandbox judges as the providers do, fails as ordered, and remembers in bounded memory."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from chatfold.sandbox.faults import Fault, FaultKind, Faults, Match
from chatfold.sandbox.graph import Graph
from chatfold.sandbox.journal import Journal, Received
from chatfold.sandbox.media import DEFAULT, File, Media
from chatfold.sandbox.telegram import BotApi
from providers import meta
from providers.failures import FailureCode, SendFailure
from providers.protocol import HttpRequest, HttpResponse
from schemas import codec

AT = datetime(2026, 11, 21, tzinfo=UTC)
TEXT = {"messaging_product": "whatsapp", "to": "49123", "type": "text", "text": {"body": "hi"}}


def received(**fields: object) -> Received:
    told = {"number": 1, "received_at": AT, "provider": "whatsapp_cloud", "account": "1"}
    return Received(**{**told, "method": "messages", "is_send": True, **fields})


def telegram(**fields: object) -> Received:
    told = {"provider": "telegram", "account": "12", "method": "sendMessage"}
    return received(**{**told, **fields})


def test_a_well_formed_message_is_taken_and_named() -> None:
    answer = Graph().judge(received(body=TEXT, to="49123"), "Bearer token")
    assert answer.status == 200
    assert answer.message_id
    assert answer.body["messages"] == [{"id": answer.message_id}]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messaging_product": None}, 100),
        ({"to": None}, 131008),
        ({"type": "song"}, 100),
        ({"text": {}}, 131008),
        ({"text": {"body": "x" * 4097}}, 100),
    ],
)
def test_a_malformed_message_is_refused_in_words_that_our_adapter_understands(
    change: dict[str, object], code: int
) -> None:
    answer = Graph().judge(received(body={**TEXT, **change}), "Bearer token")
    assert answer.status == 400
    assert answer.body["error"]["code"] == code


@pytest.mark.parametrize("authorization", ["", "token", "Bearer expired"])
def test_graph_wants_a_token(authorization: str) -> None:
    assert Graph().judge(received(body=TEXT), authorization).status == 401


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (401, FailureCode.UNAUTHENTICATED),
        (429, FailureCode.THROTTLED),
        (500, FailureCode.PROVIDER_DOWN),
    ],
)
def test_graphs_refusals_mean_what_they_say(status: int, meaning: FailureCode) -> None:
    answer = Graph().refuse(status, retry_after=7)
    response = HttpResponse(
        status=answer.status, headers=answer.headers, body=codec.dumps(answer.body)
    )
    failure = meta.refusal(HttpRequest(method="POST", url="https://x/"), response)
    assert isinstance(failure, SendFailure)
    assert (failure.code, failure.retry_after_seconds) == (meaning, 7)


def test_marking_as_read_is_no_send() -> None:
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}
    answer = Graph().judge(received(body=body, is_send=False), "Bearer token")
    assert answer.body == {"success": True}


def test_telegram_takes_a_message_and_names_it() -> None:
    answer = BotApi().judge(telegram(to="-5", text="hi", number=9), "12:token")
    assert answer.body["result"]["message_id"] == 9
    assert answer.body["result"]["chat"] == {"id": -5, "type": "group"}


@pytest.mark.parametrize(
    ("request_", "token", "status"),
    [
        (telegram(to="5", text="hi"), "no-token", 404),
        (telegram(to="5", text="hi"), "12:expired", 401),
        (telegram(to=None, text="hi"), "12:token", 400),
        (telegram(to="5", text=None), "12:token", 400),
        (telegram(to="5", text="x" * 4097), "12:token", 400),
    ],
)
def test_telegram_refuses_what_it_cannot_send(request_: Received, token: str, status: int) -> None:
    answer = BotApi().judge(request_, token)
    assert answer.status == status
    assert answer.body["ok"] is False


def test_telegram_says_how_long_to_wait() -> None:
    assert BotApi().refuse(429, 5).body["parameters"] == {"retry_after": 5}


def test_a_fault_befalls_only_what_it_is_meant_for_and_only_so_often() -> None:
    faults = Faults()
    faults.add(Fault(fault="429", match=Match(to="5", text="ell"), times=2))

    def take(to: str, text: str | None) -> FaultKind | None:
        fault = faults.take(provider="telegram", account="12", to=to, text=text)
        return fault.fault if fault else None

    assert take("6", "hello") is None
    assert take("5", None) is None
    assert [take("5", "hello") for _ in range(3)] == ["429", "429", None]
    assert faults.ordered() == []


def test_a_fault_without_times_goes_on() -> None:
    faults = Faults()
    faults.add(Fault(fault="slow", times=None))
    for _ in range(5):
        assert faults.take(provider="x", account="y", to=None, text=None)


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValidationError):
        Fault(fault="explode")


def test_the_journal_counts_what_was_taken_twice_beyond_what_it_keeps() -> None:
    journal = Journal(kept=2)
    for number in range(1, 8):
        one = received(number=number, to="5", text=f"t{number % 3}", reference=f"r{number % 3}:1")
        one.accepted = True
        journal.add(one)
    summary = journal.summary()
    assert (summary["received"], summary["accepted"], summary["references"]) == (7, 7, 3)
    assert summary["doubled_references"] == {"r1:1": 3, "r2:1": 2, "r0:1": 2}
    assert [entry.number for entry in journal.find()] == [6, 7]
    assert [entry.number for entry in journal.find(since=6, text="t1")] == [7]


def test_clearing_forgets_all_but_goes_on_counting_numbers() -> None:
    journal = Journal()
    journal.add(received(number=journal.next_number()))
    journal.clear()
    assert journal.summary()["received"] == 0
    assert journal.next_number() == 2


def test_files_are_kept_within_bounds() -> None:
    media = Media()
    assert media.find("unknown") is DEFAULT
    media.put("a", File(b"x" * 40_000_000, "audio/ogg"))
    media.put("a", File(b"y" * 40_000_000, "audio/ogg"))
    with pytest.raises(ValueError, match="bytes"):
        media.put("b", File(b"x" * 40_000_000, "audio/ogg"))
