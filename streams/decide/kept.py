"""What a chat's state is made of: values that are written as lists, without their fields' names.

A snapshot is written with every decision, so its bytes count. Fields are known by their places:
a new one comes last and has a default, and none is ever moved or removed.
"""

from typing import TypeVar, get_args

import msgspec
from msgspec import NODEFAULT, Struct, ValidationError
from msgspec.structs import FieldInfo, fields

T = TypeVar("T", bound=Struct)


class Kept(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Frozen, and never part of a reference cycle, like any `schemas.value.Value`."""


def from_names(kind: type[T], told: object) -> T:
    """The `kind` in an object with its fields' names, as all snapshots were once written.

    Raises `msgspec.ValidationError`.
    """
    return msgspec.convert(_placed(kind, told), kind)


def _placed(kind: object, told: object) -> object:
    """The same, each object as a list if it is written as one by now."""
    if isinstance(told, list):
        return [_placed(get_args(kind)[0], one) for one in told]
    struct = _struct(kind, told.get("type")) if isinstance(told, dict) else None
    if struct is None or not isinstance(told, dict):
        return told
    known = {field.name: field for field in fields(struct)}
    if unknown := told.keys() - {*known, "type"}:
        raise ValidationError(f"unknown fields: {unknown}")
    tag = struct.__struct_config__.tag
    return [*([tag] if tag else ()), *(_field(one, told) for one in known.values())]


def _field(field: FieldInfo, told: dict[str, object]) -> object:
    if field.name in told:
        return _placed(field.type, told[field.name])
    if field.default is NODEFAULT:
        raise ValidationError(f"no {field.name}")
    return field.default


def _struct(kind: object, tag: object) -> type[Struct] | None:
    """The struct of the kind, or of those it may be, that is written as a list."""
    for one in get_args(kind) or (kind,):
        if isinstance(one, type) and issubclass(one, Struct):
            config = one.__struct_config__
            if config.array_like and config.tag == tag:
                return one
    return None
