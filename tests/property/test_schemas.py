"""Laws of what is written to the log: it reads as it was written, and junk is refused politely."""

import contextlib
import uuid
from datetime import UTC, datetime
from enum import EnumType
from typing import get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from docs.generation.schemas import schemas as published_schemas
from schemas import codec, envelope, identity
from schemas.content import Json
from tests.support import golden

WORDS = st.text(st.characters(codec="utf-8"), max_size=20)
TIMES = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # made aware
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(WORDS, JSON, max_size=3)
SCHEMAS = published_schemas()
PLAIN = {
    str: WORDS,
    bool: st.booleans(),
    int: st.integers(-(2**31), 2**31 - 1),
    float: st.floats(0, 1e9),
    datetime: TIMES,
    type(None): st.none(),
}


def any_of(hint) -> st.SearchStrategy:
    if hint == Json:
        return OBJECTS
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, EnumType):
        return st.sampled_from(hint)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = get_type_hints(hint)
        return st.builds(hint, **{name: any_of(hints[name]) for name in hint.__struct_fields__})
    if get_origin(hint) is tuple:
        return st.lists(any_of(get_args(hint)[0]), max_size=3).map(tuple)
    return st.one_of(map(any_of, get_args(hint)))


def recorded(data, *, head="x", time=golden.ARRIVED, sequence=0) -> envelope.Recorded:
    return envelope.Recorded(
        id=head,
        time=time,
        source=head,
        tenant=head,
        chat_id=head,
        causation_id=head,
        correlation_id=head,
        data=data,
        sequence=sequence,
    )


@pytest.mark.parametrize("name", sorted(codec.TYPES))
def test_every_value_reads_as_it_was_written_and_is_written_as_it_was_read(name):
    @given(any_of(codec.TYPES[name]))
    @settings(max_examples=40, deadline=None)
    def law(data):
        record = envelope.encode(recorded(data))
        read = envelope.decode(codec.TYPES, value=record.value, headers=record.headers)
        assert read == recorded(data)
        assert envelope.encode(read) == record

    law()


@pytest.mark.parametrize("name", sorted(codec.TYPES))
def test_every_value_is_valid_by_its_published_schema(name):
    validator = Draft202012Validator(SCHEMAS[name], format_checker=FormatChecker())

    @given(any_of(codec.TYPES[name]))
    @settings(max_examples=20, deadline=None)
    def law(data):
        validator.validate(codec.loads(codec.dumps(data)))

    law()


@given(WORDS, TIMES, st.integers(0, 2**62))
def test_every_head_reads_as_it_was_written(head, time, sequence):
    told = recorded(golden.FACTS[0], head=head, time=time, sequence=sequence)
    record = envelope.encode(told)
    assert envelope.decode(codec.TYPES, value=record.value, headers=record.headers) == told


HEADERS = [name for name, _ in envelope.encode(golden.examples()["ModeLeft.v1"]).headers]


@given(st.sampled_from(HEADERS), st.none() | st.binary(max_size=40) | WORDS.map(str.encode))
@settings(max_examples=300)
def test_a_record_with_any_header_is_read_or_refused(name, junk):
    example = envelope.encode(golden.examples()["ModeLeft.v1"])
    read_or_refused(example.value, dict(example.headers) | {name: junk})


@given(st.none() | st.binary() | JSON.map(codec.dumps))
def test_a_record_with_any_value_is_read_or_refused(value):
    read_or_refused(value, dict(golden.read("MessageReceived.v1").headers))


def test_a_time_before_all_times_is_refused():
    example = envelope.encode(golden.examples()["ModeLeft.v1"])
    early = dict(example.headers) | {"ce_time": b"0001-01-01T00:00:00+05:00"}
    with pytest.raises(codec.Undecodable):
        envelope.decode(codec.TYPES, value=example.value, headers=early.items())


def read_or_refused(value, headers) -> None:
    with contextlib.suppress(codec.Undecodable):
        envelope.decode(codec.TYPES, value=value, headers=headers.items())


@given(st.binary() | JSON.map(codec.dumps) | st.text().map(lambda t: ascii(t).encode()))
def test_whatever_can_be_loaded_can_be_dumped_and_loaded_again(data):
    try:
        value = codec.loads(data)
    except ValueError:
        return
    assert codec.loads(codec.dumps(value)) == value


@given(st.lists(WORDS, min_size=1, max_size=5))
def test_ids_are_what_every_other_language_makes_of_the_same_words(parts):
    name = "\x1f".join(parts)
    assert identity.derive(*parts) == str(uuid.uuid5(uuid.UUID(bytes=identity.NAMESPACE), name))
