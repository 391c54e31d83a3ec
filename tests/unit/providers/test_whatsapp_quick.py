"""The short way to the items of a body leads to the same items as the thorough one."""

import hmac
from copy import deepcopy

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from providers import meta
from providers.protocol import Webhook
from providers.registry import PROVIDERS
from providers.whatsapp_cloud.quick import quick
from providers.whatsapp_cloud.split import split
from schemas import codec
from tests.support.fixtures import sample_files, webhook_files

BODIES = [path.read_bytes() for path in webhook_files("whatsapp_cloud")]
SAMPLES = [path.read_bytes() for path in sample_files("whatsapp_cloud")]
SMALL = [body for body in (*BODIES, *SAMPLES) if len(body) < 5000]
JUNK = [None, "", 0, -1, 2**40, 1.5, True, [], {}, "x" * 600, "a\nb", "\u0000", ["x"], {"id": "y"}]


def plain(items) -> list[tuple[object, ...]]:
    """Items as they are when they have been written and read."""
    return [
        (
            one.kind,
            one.account,
            one.platform_user_id,
            one.message_id,
            codec.loads(codec.dumps(one.fragment)),
        )
        for one in items
    ]


def agree(body: bytes) -> bool:
    """Whether the short way took the body; then both must have the same items."""
    found = quick(body)
    if found is not None:
        assert plain(found) == plain(split(codec.loads(body)))
    return found is not None


def test_every_known_body_has_the_same_items_both_ways():
    taken = [agree(body) for body in (*BODIES, *SAMPLES)]
    assert sum(taken) > len(taken) / 4


@pytest.mark.parametrize("kind", ["text", "location", "interactive", "reaction"])
def test_messages_and_statuses_go_the_short_way(kind):
    message = {"from": "49151", "id": "wamid.1", "timestamp": "1", "type": kind, kind: {}}
    status = {"id": "wamid.2", "status": "read", "timestamp": "2", "recipient_id": "49151"}
    assert agree(framed({"messages": [message]}))
    assert agree(framed({"statuses": [status, status | {"status": "delivered"}]}))
    assert agree(framed({"messages": [message, message], "statuses": [status]}))


def framed(value: dict[str, object]) -> bytes:
    metadata = {"display_phone_number": "1555", "phone_number_id": "100"}
    contacts = [{"profile": {"name": "Ada"}, "wa_id": "49151"}]
    whole = {"messaging_product": "whatsapp", "metadata": metadata, "contacts": contacts, **value}
    changes = [{"field": "messages", "value": whole}]
    entry = {"id": "900", "changes": changes}
    return codec.dumps({"object": "whatsapp_business_account", "entry": [entry]})


def paths(value: object, at: tuple[object, ...] = ()):
    yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*at, key))
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from paths(inner, (*at, number))


@settings(max_examples=400)
@given(data=some.data())
def test_a_body_that_is_changed_anywhere_has_the_same_items_both_ways(data):
    whole = codec.loads(data.draw(some.sampled_from(SMALL)))
    for _ in range(data.draw(some.integers(1, 3))):
        path = data.draw(some.sampled_from([path for path in paths(whole) if path] or [()]))
        if not path:
            break
        node = whole
        for key in path[:-1]:
            node = node[key]
        match data.draw(some.sampled_from(["replace", "remove", "add"])):
            case "replace":
                node[path[-1]] = deepcopy(data.draw(some.sampled_from(JUNK)))
            case "remove":
                del node[path[-1]]
            case "add" if isinstance(node, dict):
                node["new"] = deepcopy(data.draw(some.sampled_from(JUNK)))
    agree(codec.dumps(whole))


@settings(max_examples=300)
@given(data=some.data())
def test_a_body_with_changed_bytes_is_json_both_ways_or_neither(data):
    body = bytearray(data.draw(some.sampled_from(SMALL)))
    for _ in range(data.draw(some.integers(1, 3))):
        body[data.draw(some.integers(0, len(body) - 1))] = data.draw(
            some.sampled_from(b'"\\{}[],:\x00\x1f\x7f\x80\xff\xc3\xed0eu')
        )
    if quick(bytes(body)) is not None:
        assert agree(bytes(body))


@example('"\\ud800"')
@example('"\\ud83d\\ude00"')
@example('"\\q"')
@example("[" * 2000 + "]" * 2000)
@given(some.text().map(codec.dumps).map(bytes.decode))
def test_the_words_of_a_message_are_what_they_were(words):
    body = framed({"messages": [{"from": "4", "id": "w", "type": "text", "text": {"body": 1}}]})
    agree(body.replace(b'{"body":1}', b'{"body":' + words.encode() + b"}"))


@given(body=some.binary(max_size=300), secret=some.text(min_size=1, max_size=200))
def test_the_signature_is_hmac_sha256_whatever_the_length_of_the_secret(body, secret):
    expected = hmac.digest(secret.encode(), body, "sha256").hex()
    assert meta.sign(body, secret) == {"x-hub-signature-256": f"sha256={expected}"}
    assert meta.verify(Webhook(body, meta.sign(body, secret)), secret)


@pytest.mark.parametrize("provider", list(PROVIDERS))
def test_read_is_split_of_what_was_parsed(provider):
    for path in webhook_files(provider):
        body = path.read_bytes()
        assert plain(PROVIDERS[provider].read(body)) == plain(
            PROVIDERS[provider].split(codec.loads(body))
        )
