"""What every provider in the registry promises."""

import copy
from datetime import UTC, datetime

import pytest

from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import Accepted, Fetched, Heard, Message, Outgoing, Webhook
from providers.registry import PROVIDERS
from schemas import codec
from schemas.content import Content, Media, MessageKind
from schemas.inputs import ItemKind
from tests.contract.provider_cases import CASES
from tests.support.exchanges import answer, drive

SECRETS = ("current-secret", "old-secret")
NOON = 1697043223


@pytest.fixture(params=PROVIDERS)
def name(request):
    return request.param


@pytest.fixture
def provider(name):
    return PROVIDERS[name]


@pytest.fixture
def case(name):
    return CASES[name]


@pytest.fixture(params=[name for name, case in CASES.items() if case.found])
def finding(request):
    """A provider that tells where a file is before it gives it, and its case."""
    return PROVIDERS[request.param], CASES[request.param]


def test_every_provider_has_a_case_and_the_name_it_is_registered_by():
    assert set(CASES) == set(PROVIDERS)
    assert {name: one.name for name, one in PROVIDERS.items()} == {name: name for name in PROVIDERS}


def heard(message_id, user="7"):
    return Heard(account="200", platform_user_id=user, platform_message_id=message_id)


def webhook(provider, case, secret="current-secret"):
    body = codec.dumps(case.text("hello", "1", NOON))
    return Webhook(body, dict(provider.sign(body, secret)))


def test_a_signed_webhook_is_authentic(provider, case):
    assert provider.verify(webhook(provider, case), "current-secret")


def test_headers_are_named_in_lower_case(provider, case):
    assert all(name == name.lower() for name in webhook(provider, case).headers)


def test_another_secret_proves_nothing(provider, case):
    assert not provider.verify(webhook(provider, case), "another-secret")


def test_no_signature_proves_nothing(provider, case):
    unsigned = Webhook(webhook(provider, case).body, {})
    assert not provider.verify(unsigned, "current-secret")
    assert not provider.verify(unsigned, "")


def test_an_empty_secret_proves_nothing(provider, case):
    assert not provider.verify(webhook(provider, case, ""), "")


@pytest.mark.parametrize("odd", ["", "é", "\udce9", "שלום", "\x00", "x" * 100_000])
def test_an_odd_signature_is_refused_without_an_exception(provider, case, odd):
    signed = webhook(provider, case)
    odd_headers = dict.fromkeys(signed.headers, odd)
    assert not provider.verify(Webhook(signed.body, odd_headers), "current-secret")


def test_a_changed_body_is_refused_where_the_body_is_signed(provider, case):
    signed = webhook(provider, case)
    changed = Webhook(signed.body + b" ", signed.headers)
    assert provider.verify(changed, "current-secret") is not case.signs_body


@pytest.mark.parametrize("used", SECRETS)
def test_two_secrets_at_once_let_one_be_rotated(provider, case, used):
    signed = webhook(provider, case, used)
    assert any(provider.verify(signed, secret) for secret in SECRETS)


def read(provider, body):
    [item] = provider.split(body)
    return item, provider.parse(item.kind, item.fragment)


def test_a_text_is_a_message_of_its_sender(provider, case):
    item, said = read(provider, case.text("hello", "1", NOON))
    assert item.kind is ItemKind.MESSAGE
    assert item.platform_user_id == case.to
    assert isinstance(said, Message)
    assert said.content == Content(kind=MessageKind.TEXT, text="hello")
    assert said.platform_timestamp == datetime.fromtimestamp(NOON, UTC)
    assert (said.person.platform_user_id, said.person.first_name) == (case.to, case.first_name)
    assert (said.is_group, said.from_human) == (False, False)


def test_a_redelivery_has_the_same_items_and_another_message_others(provider, case):
    once, again, other = (
        provider.split(codec.loads(codec.dumps(case.text("hello", n, NOON)))) for n in "112"
    )
    assert list(once) == list(again)
    assert once[0].message_id != other[0].message_id


def test_the_name_of_a_message_is_what_its_items_id_is_made_of(provider, case):
    item, said = read(provider, case.text("hello", "1", NOON))
    assert said.platform_message_id == item.message_id


def test_a_batch_keeps_its_order_and_every_id(provider, case):
    items = provider.split(case.batch(50))
    words = [provider.parse(item.kind, item.fragment).content.text for item in items]
    assert words == [str(n) for n in range(len(items))]
    assert len({item.message_id for item in items}) == len(items)
    assert len(items) in {1, 50}


def test_a_message_of_an_unknown_type_is_recorded_as_one(provider, case):
    item, said = read(provider, case.unknown_type)
    assert item.kind is ItemKind.MESSAGE
    assert said.content.kind is MessageKind.UNSUPPORTED
    assert said.content.structured["type"] == "hologram"


def test_no_part_of_a_text_is_so_needed_that_its_lack_raises(provider, case):
    whole = case.text("hello", "1", NOON)
    for path in list(paths(whole)):
        body = copy.deepcopy(whole)
        remove(body, path)
        items = provider.split(body)
        assert items, path
        for item in items:
            provider.parse(item.kind, item.fragment)
            codec.dumps(item.fragment)


def paths(value, path=()):
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    for key in keys:
        yield (*path, key)
        yield from paths(value[key], (*path, key))


def remove(body, path):
    for key in path[:-1]:
        body = body[key]
    del body[path[-1]]


@pytest.mark.parametrize("told", [NOON, str(NOON), NOON * 1000, str(NOON * 1000), float(NOON)])
def test_the_time_is_read_in_every_unit(provider, case, told):
    _, said = read(provider, case.text("hello", "1", told))
    assert said.platform_timestamp == datetime.fromtimestamp(NOON, UTC)


@pytest.mark.parametrize("told", [-1, 0, 10**30, "soon", "", None, True, [], {}, "²", 1e308])
def test_an_odd_time_is_no_time_and_no_hindrance(provider, case, told):
    _, said = read(provider, case.text("hello", "1", told))
    assert said.platform_timestamp is None
    assert said.content.text == "hello"


def test_nul_in_a_text_becomes_what_every_store_can_hold(provider, case):
    _, said = read(provider, case.text("a\x00b", "1", NOON))
    assert said.content.text == "a\ufffdb"


def outgoing(case, **changes):
    told = {
        "account": "200",
        "to": case.to,
        "content": Content(kind=MessageKind.TEXT, text="hello"),
        "reply_to": None,
        "reference": "reply-1",
    }
    return Outgoing(**told | changes)


def send(provider, case, response, **changes):
    exchange = provider.send(outgoing(case, **changes), case.credentials, case.base_url)
    return drive(exchange, response)


def test_an_accepted_message_has_the_name_that_the_provider_gave_it(provider, case):
    [request], result = send(provider, case, case.sent)
    assert result == Accepted(platform_message_id=case.sent_id, http_status=case.sent.status)
    assert request.method == "POST"
    assert request.url.startswith("https://")


def test_a_base_url_leads_every_request_elsewhere(provider, case):
    for base in ("http://127.0.0.1:9000/x", "http://127.0.0.1:9000/x/"):
        exchange = provider.send(outgoing(case), case.credentials, base)
        [request], _ = drive(exchange, case.sent)
        assert request.url.startswith("http://127.0.0.1:9000/x/")
        assert "//" not in request.url.removeprefix("http://")


def test_every_refusal_has_its_meaning(provider, case):
    for response, code in case.refusals:
        _, result = send(provider, case, response)
        assert isinstance(result, SendFailure)
        assert result.code is code
        assert result.http_status == response.status
        assert result.detail


NO_WAIT = ["-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "1e9", "nan"]


@pytest.mark.parametrize(
    ("header", "expected"), [("7", 7.0), ("0", 0.0), *((one, None) for one in NO_WAIT)]
)
def test_the_header_tells_how_long_to_wait(provider, case, header, expected):
    _, result = send(provider, case, answer(429, b"", retry_after=header))
    assert result.code is FailureCode.THROTTLED
    assert result.retry_after_seconds == expected


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{", b"[]", b"null", b"7", b'{"ok":true}', b"\xff"]
)
def test_a_success_that_says_nothing_is_no_success(provider, case, body):
    _, result = send(provider, case, answer(200, body))
    assert isinstance(result, Unconfirmed)
    assert result.reason is Unknown.MALFORMED_ANSWER


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b"{}", b"[1]", b'{"error":7}'])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_without_the_providers_words_leaves_the_outcome_open(
    provider, case, status, body
):
    _, result = send(provider, case, answer(status, body))
    assert isinstance(result, Unconfirmed)
    assert result.reason is Unknown.SERVER_ERROR


def test_a_server_error_in_the_providers_words_is_a_refusal(provider, case):
    _, result = send(provider, case, answer(503, case.error(503, "down")))
    assert isinstance(result, SendFailure)


def test_without_credentials_nothing_is_asked(provider, case):
    for lacking in ({}, dict.fromkeys(case.credentials, "")):
        media = Media(reference=case.media)
        exchanges = [provider.send(outgoing(case), lacking, None)]
        if not case.has_public_media:
            exchanges.append(provider.fetch_media(media, lacking, None, 100))
        for exchange in exchanges:
            requests, result = drive(exchange)
            assert requests == []
            assert result.code is FailureCode.NOT_CONFIGURED
            assert provider.required_credentials[0] in result.detail
        assert drive(provider.mark_read(heard(case.sent_id), lacking, None)) == ([], None)
        assert drive(provider.show_typing(heard(case.sent_id), lacking, None)) == ([], None)


@pytest.mark.parametrize("words", [None, "", " ", "x" * 100_000])
def test_a_text_that_cannot_be_sent_is_refused_without_asking(provider, case, words):
    content = Content(kind=MessageKind.TEXT, text=words)
    exchange = provider.send(outgoing(case, content=content), case.credentials, case.base_url)
    requests, result = drive(exchange)
    assert (requests, result.code) == ([], FailureCode.CONTENT_REFUSED)


@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_is_sent_or_refused_and_nothing_raises(provider, case, kind):
    for content in (
        Content(kind=kind),
        Content(kind=kind, text="t", media=Media(reference="r"), caption="c"),
        Content(kind=kind, structured={"latitude": 1, "longitude": "2", "contacts": [{}, 7]}),
        Content(kind=kind, structured={"target": f"{case.to}:1", "emoji": "👍"}),
        Content(kind=kind, structured={"contacts": [{"name": "N", "phones": [{"phone": "1"}]}]}),
    ):
        exchange = provider.send(outgoing(case, content=content), case.credentials, case.base_url)
        try:
            codec.loads(next(exchange).body)
        except StopIteration as ended:
            assert ended.value.code is FailureCode.CONTENT_REFUSED  # noqa: PT017


def test_secrets_are_named_and_shown_nowhere(provider, case):
    secrets = list(case.credentials.values())
    echoed = answer(400, case.error(400, f"bad token {secrets[0]} in {secrets}"))
    requests, result = send(provider, case, echoed)
    media = Media(reference=case.media)
    exchange = provider.fetch_media(media, case.credentials, case.base_url, 100)
    fetched, failure = drive(exchange, *to_a_file(case, 3), echoed)
    for request in requests + fetched:
        assert set(secrets) <= set(request.secrets)
        shown = repr(request) + request.struck(f"{request.url} {request.headers} {request.body!r}")
        assert not any(secret in shown for secret in secrets)
    for told in (result, failure):
        assert "bad token ***" in told.detail
        assert not any(secret in repr(told) for secret in secrets)


def test_what_came_in_is_not_shown_either(provider, case):
    signed = webhook(provider, case)
    assert repr(signed) == "Webhook()"
    assert "hello" not in repr(answer(200, b"hello"))


def fetch(provider, case, *answers, max_bytes=100):
    media = Media(reference=case.media)
    return drive(provider.fetch_media(media, case.credentials, case.base_url, max_bytes), *answers)


def to_a_file(case, size):
    """The answers that come before a file of so many bytes."""
    return [case.found(size)] if case.found else []


def test_a_file_is_fetched_and_found_first_where_it_must_be(provider, case):
    requests, result = fetch(provider, case, *to_a_file(case, 3), case.file(b"abc"))
    assert len(requests) == (2 if case.found else 1)
    assert isinstance(result, Fetched)
    assert result.data == b"abc"


def test_a_file_elsewhere_is_not_fetched_and_the_token_stays_home(finding):
    provider, case = finding
    requests, result = fetch(provider, case, case.elsewhere)
    assert len(requests) == 1
    assert result.code in {FailureCode.MEDIA_UNAVAILABLE, FailureCode.UNSAFE_ADDRESS}


def test_a_file_that_is_announced_too_large_is_not_fetched(finding):
    provider, case = finding
    requests, result = fetch(provider, case, case.found(101))
    assert len(requests) == 1
    assert result.code is FailureCode.TOO_LARGE


def test_a_file_that_turns_out_too_large_is_not_kept(provider, case):
    requests, result = fetch(provider, case, *to_a_file(case, 3), case.file(b"x" * 101))
    assert requests[-1].max_bytes >= 101
    assert result.code is FailureCode.TOO_LARGE


def test_a_file_as_large_as_allowed_is_kept(provider, case):
    _, result = fetch(provider, case, *to_a_file(case, 100), case.file(b"x" * 100))
    assert isinstance(result, Fetched)


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[]", b'{"ok":true,"result":7}', b'{"url":7}'])
def test_an_answer_that_tells_no_place_ends_the_download(finding, body):
    provider, case = finding
    requests, result = fetch(provider, case, answer(200, body))
    assert len(requests) == 1
    assert result.code in {FailureCode.MEDIA_UNAVAILABLE, FailureCode.PROVIDER_DOWN}


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500])
def test_a_download_that_fails_says_why(provider, case, status):
    times = 2 if case.gives_links and status == 404 else 1
    for answers in ([answer(status)], [*to_a_file(case, 3), answer(status)] * times):
        _, result = fetch(provider, case, *answers)
        assert isinstance(result, SendFailure)
        assert result.http_status == status


@pytest.mark.parametrize("shown", ["mark_read", "show_typing"])
def test_reading_and_typing_are_told_in_one_request_or_none(provider, case, shown):
    _, said = read(provider, case.text("hello", "1", NOON))
    told = heard(said.platform_message_id, said.person.platform_user_id)
    exchange = getattr(provider, shown)(told, case.credentials, case.base_url)
    for _ in exchange:
        with pytest.raises(StopIteration):
            exchange.send(answer(500))
        break


def test_a_challenge_needs_a_token(provider):
    asked = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
    assert provider.challenge(asked, "") is None
    assert provider.challenge({}, "token") is None
