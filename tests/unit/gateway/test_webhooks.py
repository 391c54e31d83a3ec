"""How webhooks are answered, by both ways through the gateway."""

import asyncio
import logging

import pytest
from prometheus_client import REGISTRY

from chatfold.eventlog import AppendFailed, Overloaded, RecordTooLarge
from chatfold.gateway import Limits
from chatfold.gateway.outcomes import Outcome
from chatfold.gateway.requests import REQUEST_BYTES
from providers.registry import PROVIDERS
from schemas import codec
from tests.support.edge import (
    LIMITS,
    SECRETS,
    TELEGRAM,
    WHATSAPP,
    Edge,
    scope,
    signed,
    token,
    update,
    wa,
)

BODY = wa("100")
GOOD = signed(BODY, "ACME")


def counted(outcome: Outcome, provider: str = "whatsapp_cloud") -> float:
    labels = {"provider": provider, "result": outcome.value}
    value = REGISTRY.get_sample_value("chatfold_gateway_webhooks_total", labels)
    seconds = REGISTRY.get_sample_value("chatfold_gateway_webhook_seconds_count", labels)
    assert value == seconds
    return value or 0.0


async def both_ways(edge: Edge, path: str, body: bytes, headers) -> list[Outcome | int]:
    status, _, _ = await edge.post(path, body, headers)
    return [status, edge.direct(path, body, headers)]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("pieces", [1, 7])
async def test_an_accepted_webhook_is_200_with_an_empty_body(method, pieces):
    edge, before = Edge(), counted(Outcome.ACCEPTED)
    answer = await edge.post(WHATSAPP, BODY, GOOD, method=method, pieces=pieces)
    assert answer == (200, {b"content-length": b"0"}, b"")
    assert len(edge.log.records) == 1
    assert counted(Outcome.ACCEPTED) == before + 1


async def test_the_short_way_keeps_the_same_records():
    edge = Edge()
    assert await both_ways(edge, WHATSAPP, BODY, GOOD) == [200, Outcome.ACCEPTED]
    first, second = edge.log.records
    assert first == second


async def test_items_are_counted_by_kind_only_when_they_are_in_the_log():
    edge = Edge()
    labels = {"provider": "whatsapp_cloud", "kind": "message"}

    def items() -> float:
        return REGISTRY.get_sample_value("chatfold_gateway_items_total", labels) or 0.0

    before = items()
    edge.log.refusal = "no acknowledgement"
    await both_ways(edge, WHATSAPP, BODY, GOOD)
    assert items() == before
    edge.log.refusal = None
    await both_ways(edge, WHATSAPP, BODY, GOOD)
    assert items() == before + 2


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "outcome"),
    [
        ("/webhooks/nobody", BODY, GOOD, 404, Outcome.UNKNOWN_PROVIDER),
        ("/webhooks/", BODY, GOOD, 404, Outcome.UNKNOWN_PROVIDER),
        (f"{WHATSAPP}/nobody", BODY, GOOD, 404, Outcome.UNKNOWN_TENANT),
        (WHATSAPP, BODY, {}, 401, Outcome.UNAUTHENTICATED),
        (WHATSAPP, BODY, signed(BODY, "OTHER"), 401, Outcome.UNAUTHENTICATED),
        (TELEGRAM, update(), token("ACME"), 401, Outcome.UNAUTHENTICATED),
        (WHATSAPP, b"{", signed(b"{", "ACME"), 400, Outcome.NOT_JSON),
        (WHATSAPP, BODY, GOOD | {"content-type": "text/xml"}, 415, Outcome.WRONG_TYPE),
        (WHATSAPP, b"x" * 100_001, GOOD, 413, Outcome.TOO_LARGE),
        (f"{WHATSAPP}/", BODY, GOOD, 200, Outcome.ACCEPTED),
        (TELEGRAM, update(), token("BOT"), 200, Outcome.ACCEPTED),
    ],
)
async def test_each_mistake_has_its_answer(path, body, headers, status, outcome):
    edge = Edge()
    assert await both_ways(edge, path, body, headers) == [status, outcome]
    assert bool(edge.log.records) == (status == 200)


async def test_an_error_is_told_in_json_and_says_nothing_of_the_inside():
    status, headers, body = await Edge().post(WHATSAPP, BODY, {})
    assert status == 401
    assert headers[b"content-type"] == b"application/json"
    assert codec.loads(body) == {"error": "the webhook is not authentic"}


@pytest.mark.parametrize(
    ("failure", "status", "outcome", "retry_after"),
    [
        (AppendFailed("no acknowledgement"), 503, Outcome.UNAVAILABLE, b"5"),
        (Overloaded("too much"), 503, Outcome.OVERLOADED, b"1"),
        (RecordTooLarge("too large"), 413, Outcome.TOO_LARGE, None),
    ],
)
async def test_what_is_not_in_the_log_is_never_200(failure, status, outcome, retry_after):
    edge = Edge()
    edge.log.failure = failure
    assert await both_ways(edge, WHATSAPP, BODY, GOOD) == [status, outcome]
    _, headers, _ = await edge.post(WHATSAPP, BODY, GOOD)
    assert headers.get(b"retry-after") == retry_after


async def test_a_refusal_that_comes_late_is_503_too():
    edge = Edge()
    edge.log.refusal = "no acknowledgement from Kafka in time"
    assert await both_ways(edge, WHATSAPP, BODY, GOOD) == [503, Outcome.UNAVAILABLE]


class Broken:
    """A provider with a bug."""

    def __init__(self) -> None:
        self.own = PROVIDERS["telegram"]

    def __getattr__(self, name):
        return getattr(self.own, name)

    def read(self, body):
        raise LookupError(f"cannot read {body}")


async def test_a_bug_of_ours_is_500_without_a_trace_and_logged(caplog):
    edge = Edge(providers={"telegram": Broken()})
    with caplog.at_level(logging.ERROR):
        status, _, body = await edge.post(TELEGRAM, update(), token("BOT"))
    assert (status, edge.direct(TELEGRAM, update(), token("BOT"))) == (500, Outcome.FAILED)
    assert codec.loads(body) == {"error": "an error on our side; it is logged"}
    assert "a webhook failed" in caplog.text
    assert not edge.log.records


async def test_the_log_names_no_secret_and_no_word_of_a_message(caplog):
    edge = Edge()
    with caplog.at_level(logging.DEBUG):
        await edge.post(WHATSAPP, BODY, signed(BODY, "OTHER"))
        edge.log.failure = AppendFailed("no acknowledgement")
        await edge.post(WHATSAPP, BODY, GOOD)
    assert "not authentic" in caplog.text
    for word in (*SECRETS.values(), "hi", GOOD["x-hub-signature-256"]):
        assert word not in caplog.text.replace("WhatsApp", "").replace("whatsapp", "")


async def test_a_flood_of_bad_signatures_is_not_a_flood_of_lines(caplog):
    edge = Edge()
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            await edge.post(WHATSAPP, BODY, {})
    assert caplog.text.count("not authentic") == 1


async def test_other_methods_are_405_and_told_what_is_allowed():
    for method in ("HEAD", "OPTIONS", "TRACE"):
        status, headers, _ = await Edge().post(WHATSAPP, b"", method=method)
        assert status == 405
        assert headers[b"allow"] == b"GET, POST, PUT, PATCH, DELETE"


@pytest.mark.parametrize(
    ("path", "word", "status"),
    [
        (WHATSAPP, "acme's word", 200),
        (f"{WHATSAPP}/acme", "acme's word", 200),
        (f"{WHATSAPP}/other", "acme's word", 403),
        (WHATSAPP, "wrong", 403),
        (WHATSAPP, "", 403),
        (TELEGRAM, "acme's word", 403),
    ],
)
async def test_the_check_of_the_address_is_answered_to_who_knows_our_word(path, word, status):
    query = f"hub.mode=subscribe&hub.verify_token={word}&hub.challenge=1158201444"
    answer = await Edge().post(f"{path}?{query}", b"", method="GET")
    assert answer[0] == status
    if status == 200:
        assert answer[1][b"content-type"] == b"text/plain; charset=utf-8"
        assert answer[2] == b"1158201444"


async def test_a_declared_length_above_the_limit_is_refused_before_anything_is_read():
    headers = GOOD | {"content-length": "100001"}
    status, _, _ = await Edge().post(WHATSAPP, b"", headers)
    assert status == 413


async def test_a_length_that_lies_is_found_out():
    headers = GOOD | {"content-length": "10"}
    status, _, _ = await Edge().post(WHATSAPP, b"x" * 100_001, headers, pieces=30)
    assert status == 413


async def test_past_the_bound_of_memory_a_webhook_is_503_and_memory_is_given_back():
    edge = Edge(limits=LIMITS)
    backlog = edge.webhooks._backlog
    backlog.used = LIMITS.pending_bytes - 1000
    status, headers, _ = await edge.post(WHATSAPP, BODY.ljust(2000), GOOD, pieces=4)
    assert (status, headers[b"retry-after"]) == (503, b"1")
    assert backlog.used == LIMITS.pending_bytes - 1000
    backlog.used = 0
    assert (await edge.post(WHATSAPP, BODY, GOOD, pieces=4))[0] == 200
    assert backlog.used == 0


async def test_a_webhook_larger_than_the_bound_is_taken_when_it_is_alone():
    limits = Limits(body_bytes=10_000, body_seconds=1, append_seconds=1, pending_bytes=1024)
    body = BODY[:-1] + b" " * (REQUEST_BYTES + 1) + b"}"
    assert (await Edge(limits=limits).post(WHATSAPP, body, signed(body, "ACME"), pieces=4))[
        0
    ] == 200


async def test_a_body_that_stops_coming_is_408_and_a_caller_that_goes_is_left():
    edge = Edge()

    async def never():
        await asyncio.Event().wait()

    for receive, status in ((never, 408), (_gone, 400)):
        sent = []

        async def send(message, sent=sent):
            sent.append(message)

        await edge.webhooks(scope(WHATSAPP, GOOD, "POST"), receive, send)
        assert sent[0]["status"] == status
    assert edge.webhooks._backlog.used == 0


async def _gone():
    return {"type": "http.disconnect"}
