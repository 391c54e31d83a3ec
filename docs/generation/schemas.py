"""A JSON Schema for everything that a topic holds."""

from collections.abc import Mapping
from datetime import datetime
from inspect import cleandoc
from typing import cast, get_args, get_type_hints

import msgspec
import orjson

from docs.generation import Documents
from schemas import codec, upcasting
from schemas.dead_letters import LetterSettled
from schemas.tenants import Tenant

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = "docs/reference/schemas"


JsonSchema = dict[str, object]


def documents() -> Documents:
    """One file for every version of every type."""
    return {f"{FOLDER}/{name}.json": _text(schema) for name, schema in schemas().items()}


def schemas() -> Mapping[str, JsonSchema]:
    """The schema of each type by its name, superseded versions too."""
    superseded = {name: one.old for name, one in upcasting.OLDER.items()}
    beside: dict[str, type] = {"Tenant.v1": Tenant, LetterSettled.type: LetterSettled}
    types: dict[str, type] = {**codec.TYPES, **superseded, **beside}
    return {name: _schema(name, kind) for name, kind in sorted(types.items())}


def _schema(name: str, kind: type) -> JsonSchema:
    made = Tenant.model_json_schema() if kind is Tenant else _of_struct(kind)
    schema = {"$schema": DIALECT, "$id": f"urn:chatfold:{name}", **made, "title": name}
    return _without_indent(schema)


def _of_struct(kind: type) -> JsonSchema:
    (reference,), components = msgspec.json.schema_components(
        (kind,), ref_template="#/$defs/{name}"
    )
    own: JsonSchema = components.pop(reference["$ref"].rpartition("/")[2])
    for field, hint in get_type_hints(kind).items():
        if datetime in (hint, *get_args(hint)):
            _mark_as_time(cast(dict[str, JsonSchema], own["properties"])[field])
    return own | ({"$defs": components} if components else {})


def _mark_as_time(schema: JsonSchema) -> None:
    """Msgspec leaves the format out, as it reads times without a zone too; we write none."""
    for one in cast(list[JsonSchema], schema.get("anyOf", [schema])):
        if one["type"] == "string":
            one["format"] = "date-time"


def _without_indent(schema: JsonSchema) -> JsonSchema:
    """The schema with its docstrings as they read."""

    def clean(key: str, value: object) -> object:
        if isinstance(value, dict):
            return _without_indent(value)
        return cleandoc(value) if key == "description" and isinstance(value, str) else value

    return {key: clean(key, value) for key, value in schema.items()}


def _text(schema: JsonSchema) -> str:
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(schema, option=options).decode()
