"""A JSON Schema for everything that a topic holds."""

from collections.abc import Mapping

import msgspec
import orjson

from docs.generation import Documents
from schemas import codec, upcasting
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
    types: dict[str, type] = {**codec.TYPES, **superseded, "Tenant.v1": Tenant}
    return {name: _schema(name, kind) for name, kind in sorted(types.items())}


def _schema(name: str, kind: type) -> JsonSchema:
    made = Tenant.model_json_schema() if kind is Tenant else _of_struct(kind)
    return {"$schema": DIALECT, "$id": f"urn:chatfold:{name}", **made, "title": name}


def _of_struct(kind: type) -> JsonSchema:
    (reference,), components = msgspec.json.schema_components(
        (kind,), ref_template="#/$defs/{name}"
    )
    own = components.pop(reference["$ref"].rpartition("/")[2])
    return own | ({"$defs": components} if components else {})


def _text(schema: JsonSchema) -> str:
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(schema, option=options).decode()
