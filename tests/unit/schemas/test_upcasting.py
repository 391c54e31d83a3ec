"""Readers see the newest version, whatever version is in the log."""

from typing import ClassVar

import pytest

from schemas import codec, envelope, upcasting
from schemas.upcasting import registry, upcaster
from schemas.value import Value
from tests.support import golden


class PriceNamedV1(Value, frozen=True, kw_only=True):
    type: ClassVar[str] = "PriceNamed.v1"
    euros: int


class PriceNamedV2(Value, frozen=True, kw_only=True):
    type: ClassVar[str] = "PriceNamed.v2"
    cents: int


class PriceNamed(Value, frozen=True, kw_only=True):
    type: ClassVar[str] = "PriceNamed.v3"
    cents: int
    currency: str


def in_cents(old: PriceNamedV1) -> PriceNamedV2:
    return PriceNamedV2(cents=old.euros * 100)


def with_currency(old: PriceNamedV2) -> PriceNamed:
    return PriceNamed(cents=old.cents, currency="EUR")


TYPES = {PriceNamed.type: PriceNamed}
OLDER = registry(
    upcaster(PriceNamedV1, PriceNamedV2, in_cents),
    upcaster(PriceNamedV2, PriceNamed, with_currency),
)


def read(value: bytes, name: str, *, types=TYPES, older=OLDER):
    example = golden.examples()["MessageSent.v1"]
    headers = dict(envelope.encode(example).headers) | {"ce_type": name.encode()}
    return envelope.decode(types, value=value, headers=headers.items(), older=older)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PriceNamed.v1", b'{"euros":12}'),
        ("PriceNamed.v2", b'{"cents":1200}'),
        ("PriceNamed.v3", b'{"cents":1200,"currency":"EUR"}'),
    ],
)
def test_every_version_reads_as_the_newest(name, value):
    assert read(value, name).data == PriceNamed(cents=1200, currency="EUR")


def test_what_the_headers_tell_stays_as_it_was():
    told = read(b'{"euros":12}', "PriceNamed.v1")
    example = golden.examples()["MessageSent.v1"]
    assert (told.id, told.time, told.sequence) == (example.id, example.time, example.sequence)


def test_a_superseded_value_of_another_shape_is_refused():
    with pytest.raises(codec.Undecodable, match="cents"):
        read(b'{"euros":12,"cents":5}', "PriceNamed.v1")


def test_a_version_that_nothing_leads_from_is_refused():
    with pytest.raises(codec.Undecodable, match=r"PriceNamed\.v4"):
        read(b"{}", "PriceNamed.v4")


def test_a_reader_of_other_types_refuses_a_superseded_one():
    with pytest.raises(codec.Undecodable, match=r"PriceNamed\.v3"):
        read(b'{"euros":12}', "PriceNamed.v1", types=codec.INPUTS)


def test_a_chain_that_ends_before_the_newest_is_refused():
    with pytest.raises(codec.Undecodable, match=r"PriceNamed\.v2"):
        read(b'{"euros":12}', "PriceNamed.v1", older={"PriceNamed.v1": OLDER["PriceNamed.v1"]})


def unsound(types, older):
    """The steps that skip a version, change the name, lead nowhere, or hide a newest type."""
    known = set(types) | set(older)
    return [
        one
        for one in older.values()
        if successor(one.old.type) != one.new.type
        or one.new.type not in known
        or one.old.type in types
    ]


def successor(name: str) -> str:
    stem, _, version = name.rpartition(".v")
    return f"{stem}.v{int(version) + 1}"


def test_every_superseded_type_leads_step_by_step_to_a_newest_one():
    assert unsound(codec.TYPES, upcasting.OLDER) == []


def test_unsound_steps_are_found():
    skips = upcaster(PriceNamedV1, PriceNamed, lambda old: with_currency(in_cents(old)))
    assert unsound(TYPES, OLDER) == []
    assert unsound(TYPES, registry(skips)) == [skips]
    assert unsound({}, OLDER) == [OLDER["PriceNamed.v2"]]
