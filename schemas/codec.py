"""Bytes to values and back: JSON by orjson, checked by pydantic where bytes enter."""

import codecs
import json  # noqa: TID251  # orjson refuses lone surrogates; webhooks hold them
import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeVar, cast, get_args

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from schemas import content, facts, inputs, work

T = TypeVar("T")

STRICT: Final = ConfigDict(extra="forbid")
DEEPEST: Final = 150
"""Levels of nesting; pydantic reads 199 and orjson writes 254, and a record adds some."""


class Undecodable(Exception):
    """Bytes that are not a value of the type they claim; the text says why."""


def _named(*unions: object) -> Mapping[str, type]:
    return MappingProxyType({one.type: one for union in unions for one in get_args(union)})


FACTS: Final = _named(facts.Fact)
INPUTS: Final = _named(inputs.Input)
ORDERS: Final = _named(work.Order)
TYPES: Final = MappingProxyType({**FACTS, **INPUTS, **ORDERS})

for _type in (*TYPES.values(), content.Content, content.Media, content.Person):
    with_config(STRICT)(_type)


def dumps(value: object) -> bytes:
    """Compact JSON; datetimes as RFC 3339 with Z; raises on what JSON cannot hold."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


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


_ADAPTERS: Final[dict[type, TypeAdapter[object]]] = {}


def _adapter(kind: type) -> TypeAdapter[object]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def decode(kind: type[T], data: bytes) -> T:
    """The value of type `kind` in `data`; raises `Undecodable`."""
    try:
        return cast(T, _adapter(kind).validate_json(data))
    except ValidationError as error:
        raise Undecodable(_reason(error)) from None


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{error.title}: {'.'.join(map(str, first['loc']))}: {first['msg']}"


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
