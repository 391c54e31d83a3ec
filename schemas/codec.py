"""Bytes to values and back: JSON, checked against the type it claims to be."""

import codecs
import json  # noqa: TID251  # orjson refuses lone surrogates; webhooks hold them
import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeVar, cast, get_args

import msgspec
import orjson

from schemas import facts, inputs, work

T = TypeVar("T")

DEEPEST: Final = 150
"""Levels of nesting; orjson writes 254, and a record adds some."""


class Undecodable(Exception):
    """Bytes that are not a value of the type they claim; the text says why."""


def _named(*unions: object) -> Mapping[str, type]:
    return MappingProxyType({one.type: one for union in unions for one in get_args(union)})


FACTS: Final = _named(facts.Fact)
INPUTS: Final = _named(inputs.Input)
ORDERS: Final = _named(work.Order)
TYPES: Final = MappingProxyType({**FACTS, **INPUTS, **ORDERS})

_ENCODER: Final = msgspec.json.Encoder()
_DECODERS: Final[dict[type, msgspec.json.Decoder[object]]] = {}


def dumps(value: object) -> bytes:
    """Compact JSON; datetimes as RFC 3339 with Z; raises on what JSON cannot hold."""
    return _ENCODER.encode(value)


def moment(value: datetime) -> bytes:
    """What `value.isoformat()` is, for a third of its price where it is UTC."""
    told = _ENCODER.encode(value)
    return told[1:-2] + b"+00:00" if told.endswith(b'Z"') else value.isoformat().encode()


def loads(data: bytes) -> object:
    """The JSON value in `data`; lone surrogates become U+FFFD; raises `ValueError`.

    What it returns can be written by `dumps`, and read by `decode` as part of a record.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        value = _lenient(data)
    if data.count(b"[") + data.count(b"{") > DEEPEST and _is_deeper(value, DEEPEST):
        raise ValueError("nested too deeply")
    return value


def decode(kind: type[T], data: bytes) -> T:
    """The value of type `kind` in `data`; raises `Undecodable`."""
    try:
        return cast(T, (_DECODERS.get(kind) or _decoder(kind)).decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Undecodable(f"{kind.__name__}: {error}") from None


def _decoder(kind: type) -> msgspec.json.Decoder[object]:
    if kind not in _DECODERS:
        _DECODERS[kind] = msgspec.json.Decoder(kind)
    return _DECODERS[kind]


def _lenient(data: bytes) -> object:
    def refuse(constant: str) -> object:
        raise ValueError(f"{constant} is not JSON")

    try:
        value = json.loads(codecs.decode(data), parse_constant=refuse, parse_int=_number)
        return _without_surrogates(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _number(digits: str) -> int | float:
    """As orjson reads it: beyond 64 bits a whole number is a float."""
    value = int(digits)
    if -(2**63) <= value < 2**64:
        return value
    if math.isinf(rounded := float(digits)):
        raise ValueError("a number beyond all bounds")
    return rounded


def _is_deeper(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return False
    return True


def _containers(value: object) -> list[object]:
    match value:
        case dict():
            inside: Iterable[object] = value.values()
        case list():
            inside = value
        case _:
            return []
    return [one for one in inside if isinstance(one, dict | list)]


def _without_surrogates(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_without_surrogates(one) for one in value]
        case dict():
            return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
        case _:
            return value
