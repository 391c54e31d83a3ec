"""What the benchmarks post is what they say: one text message of one of many people."""

import pytest

from chatfold import clock
from providers.protocol import Message
from providers.registry import PROVIDERS
from schemas import codec, envelope
from schemas.inputs import ItemKind, WebhookReceived
from tests.bench import providers as messages

NAMES = tuple(PROVIDERS)


def read(name: str, raw: bytes):
    (item,) = PROVIDERS[name].read(raw)
    return item, PROVIDERS[name].parse(item.kind, codec.loads(codec.dumps(item.fragment)))


@pytest.mark.parametrize("name", NAMES)
def test_every_body_is_as_long_and_a_text_of_its_person(name):
    for number in (0, 999, 3999):
        raw = messages.padded(name, number, person=491510000000 + number)
        item, said = read(name, raw)
        assert len(raw) == messages.BYTES
        assert item.kind is ItemKind.MESSAGE
        assert isinstance(said, Message)
        assert set(said.content.text) == {"x"}
        assert item.platform_user_id == str(491510000000 + number)
        assert said.person.platform_user_id == item.platform_user_id


@pytest.mark.parametrize("name", NAMES)
def test_no_two_bodies_are_one_message_and_all_are_of_one_account(name):
    items = [
        read(name, messages.body(name, n, "hello", person=4915100000000 + n))[0] for n in range(50)
    ]
    assert len({item.message_id for item in items}) == len(items)
    assert {item.account or "benched" for item in items} == {messages.account(name)}


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_one_that_the_decider_reads(name):
    record = messages.record(name, 7, "hello", at=clock.now())
    told = envelope.decode(codec.INPUTS, value=record.value, headers=record.headers)
    assert isinstance(told.data, WebhookReceived)
    assert PROVIDERS[name].parse(told.data.kind, told.data.fragment).content.text == "hello"
