"""A JSON Schema for everything that a topic holds."""

from collections.abc import Mapping

import orjson
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from docs.generation import Documents
from schemas import codec, upcasting
from schemas.tenants import Tenant

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = "docs/reference/schemas"


class _Plain(GenerateJsonSchema):
    """Without titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002  # pydantic's hook
        return False


def documents() -> Documents:
    """One file for every version of every type."""
    return {f"{FOLDER}/{name}.json": _text(schema) for name, schema in schemas().items()}


def schemas() -> Mapping[str, JsonSchemaValue]:
    """The schema of each type by its name, superseded versions too."""
    superseded = {name: one.old for name, one in upcasting.OLDER.items()}
    types: dict[str, type] = {**codec.TYPES, **superseded, "Tenant.v1": Tenant}
    return {name: _schema(name, kind) for name, kind in sorted(types.items())}


def _schema(name: str, kind: type) -> JsonSchemaValue:
    made = TypeAdapter(kind).json_schema(schema_generator=_Plain, mode="serialization")
    return {"$schema": DIALECT, "$id": f"urn:chatfold:{name}", **made, "title": name}


def _text(schema: JsonSchemaValue) -> str:
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(schema, option=options).decode()
