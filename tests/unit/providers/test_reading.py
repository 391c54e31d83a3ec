"""Untrusted values: what is taken, what is bounded, what is refused."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import phones, reading
from schemas import codec
from tests.unit.providers.strategies import JSON

ODD = [None, True, [], {}, [1], {"a": 1}, "", math.inf, -math.inf, math.nan, "\x00", "x" * 70_000]
NOON = datetime(2023, 10, 11, 16, 53, 43, tzinfo=UTC)


@pytest.mark.parametrize(
    "told", [1697043223, "1697043223", 1697043223.0, 1697043223000, "1697043223000", 1697043223e6]
)
def test_seconds_milliseconds_and_microseconds_tell_the_same_moment(told):
    assert reading.moment(told) == NOON


@pytest.mark.parametrize(
    "told", [*ODD, 0, -1, "-5", 1e300, 10**30, "1e400", "soon", "²", {"low": 1, "high": 0}]
)
def test_what_is_no_moment_is_none(told):
    assert reading.moment(told) is None


def test_nul_becomes_a_replacement_character_and_absurd_lengths_are_cut():
    assert reading.clean("a\x00b") == "a\ufffdb"
    assert len(reading.clean("x" * 1_000_000)) == reading.TEXT_LIMIT


@pytest.mark.parametrize(
    ("value", "expected"), [("a b", "a b"), (0, "0"), (-(10**15), "-1" + "0" * 15)]
)
def test_an_id_is_printable_text_or_a_whole_number(value, expected):
    assert reading.identifier(value) == expected


@pytest.mark.parametrize("value", [*ODD, "a\nb", "a\x1fb", "x" * 513, 1.5, 10**400])
def test_what_is_no_id_is_none(value):
    assert reading.identifier(value) is None


WHOLE = [(7, 7), ("-7", -7), (7.0, 7), ("9007199254740993", 2**53 + 1)]
NOT_WHOLE = [2**63, "7.5", 7.5, True, "--7", "²", "9" * 21, None, math.inf]


@pytest.mark.parametrize(("value", "expected"), [*WHOLE, *((one, None) for one in NOT_WHOLE)])
def test_whole_numbers(value, expected):
    assert reading.integer(value) == expected


HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize(
    "value", [HEX, HEX.upper(), "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="]
)
def test_a_sha256_is_read_from_base64_and_from_hexadecimal(value):
    assert reading.sha256_hex(value) == HEX


@pytest.mark.parametrize("value", [*ODD, "4654+8g=", "abc123def456", "a1b2c3d4e5f6...", "ש" * 44])
def test_what_is_no_sha256_is_none(value):
    assert reading.sha256_hex(value) is None


@given(JSON)
def test_what_a_fact_keeps_of_an_object_is_small_and_holds_no_nul(value):
    kept = codec.dumps(reading.detail({"told": value}))
    assert len(kept) <= reading.DETAIL_BYTES + 100
    assert b"\\u0000" not in kept


def test_an_object_too_large_for_a_fact_leaves_its_size():
    assert reading.detail({"told": "x" * 40_000}) == {"omitted_bytes": 40_011}


@given(JSON, JSON)
def test_two_values_have_one_digest_only_if_they_are_equal(one, other):
    same = codec.dumps(reading.ordered(one)) == codec.dumps(reading.ordered(other))
    assert (reading.digest(one) == reading.digest(other)) is same


def test_the_order_of_keys_makes_no_other_digest():
    assert reading.digest({"a": 1, "b": [{"c": 2, "d": 3}]}) == reading.digest(
        {"b": [{"d": 3, "c": 2}], "a": 1}
    )


def test_numbers_beyond_64_bits_have_a_digest():
    assert reading.digest([10**40]) != reading.digest([10**41])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("972987654321", "+972987654321"),
        ("+972987654321", "+972987654321"),
        ("15551234567", "+15551234567"),
        ("5215512345678", "+525512345678"),  # Mexican mobiles, as WhatsApp still names them
        ("5491123456789", "+5491123456789"),
        ("123", None),
        ("99999999999999", None),
        ("US.13491208655302741918", None),
        ("<WHATSAPP_USER_PHONE_NUMBER>", None),
        ("٩٧٢٩٨٧٦٥٤٣٢١", None),
        ("", None),
    ],
)
def test_a_phone_is_told_in_e164_only_if_there_can_be_such_a_number(told, expected):
    assert phones.e164(told) == expected


@given(st.text())
def test_no_text_is_too_odd_to_be_asked_for_a_phone(words):
    phones.e164(words)
