"""The API as an OpenAPI 3.1 document, made of the table of operations and the models."""

from collections.abc import Iterator
from typing import Final, cast

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from chatfold.api import answers, problems
from chatfold.api.calls import Operation
from chatfold.api.problems import STATUSES, Kind
from chatfold.api.questions import Nothing
from chatfold.api.routes import OPERATIONS
from chatfold.operations.asking import LONGEST_KEY

Node = dict[str, object]

_REF: Final = "#/components/schemas/{model}"
_JSON: Final = "application/json"
_ALWAYS: Final = (Kind.UNAUTHENTICATED, Kind.INVALID, Kind.FAILED, Kind.TABLES_AWAY)
_WITH_BODY: Final = (Kind.TOO_SLOW, Kind.TOO_LARGE, Kind.WRONG_MEDIA)
_MEANS: Final = {
    401: "No token, or one that nobody has.",
    403: "The token may look and not act.",
    404: "There is no such thing, or the tables do not know it yet.",
    408: "The body did not arrive in time.",
    409: "As things stand it cannot be done; `detail` says why.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A parameter, a header or a field is wrong; `errors` names each.",
    500: "A bug.",
    503: "Kafka or PostgreSQL is away; ask again after `Retry-After` seconds.",
}
_ABOUT: Final = """\
What operators see and do: deliveries, jobs, chats and tenants.

Lists come from the tables, which follow the log and may be a moment behind it. An action is an
input in the log, with the name of the token that asked for it; `202` means that it is there for
good, and what was decided from it shows in the delivery, the job or the chat. Give an
`Idempotency-Key` where you may have to ask again: the same key for the same thing counts once, for
as long as the decider remembers (`CHATFOLD_DEDUPE_WINDOW_DAYS`).
"""


def document(version: str) -> Node:
    """The document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chatfold operators' API",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:18086", "description": "a role on this machine"}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "parameters": {"IdempotencyKey": _idempotency_key()},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "headers": {"RetryAfter": _retry_after()},
        },
    }


def _paths() -> Node:
    paths: dict[str, Node] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return cast(Node, paths)


def _operation(operation: Operation) -> Node:
    told: Node = {"operationId": operation.name, "summary": operation.summary}
    if parameters := list(_parameters(operation)):
        told["parameters"] = parameters
    if _has_body(operation):
        needed = any(field.is_required() for field in operation.given.model_fields.values())
        content = {_JSON: {"schema": _reference(operation.given)}}
        told["requestBody"] = {"required": needed, "content": content}
    return {**told, "responses": _responses(operation)}


def _has_body(operation: Operation) -> bool:
    return not operation.by_query and operation.given is not Nothing


def _parameters(operation: Operation) -> Iterator[Node]:
    for part in operation.path.split("/"):
        if part.startswith("{"):
            name = part.strip("{}")
            yield {"name": name, "in": "path", "required": True, "schema": _named(name)}
    if operation.by_query:
        yield from _query(operation)
    if operation.acts:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}


def _named(name: str) -> Node:
    """What is called an id is a UUID; a tenant has a word."""
    is_id = name.endswith("_id")
    return {"type": "string", "format": "uuid"} if is_id else {"type": "string"}


def _query(operation: Operation) -> Iterator[Node]:
    schema = operation.given.model_json_schema(ref_template=_REF)
    for name, one in schema.get("properties", {}).items():
        described = {"description": one["description"]} if "description" in one else {}
        yield {"name": name, "in": "query", **described, "schema": _not_null(one)}


def _not_null(schema: Node) -> Node:
    """A parameter is there or not, and never null."""
    told = {key: schema[key] for key in schema if key not in {"anyOf", "description", "title"}}
    if "anyOf" not in schema:
        return told
    del told["default"]
    (one,) = (one for one in cast(list[Node], schema["anyOf"]) if one != {"type": "null"})
    return told | one


def _responses(operation: Operation) -> Node:
    kinds = [*_ALWAYS, *operation.kinds]
    kinds += [Kind.FORBIDDEN, Kind.LOG_AWAY] if operation.acts else []
    kinds += () if operation.by_query else _WITH_BODY
    description = (operation.told.__doc__ or "").partition("\n")[0]
    content = {_JSON: {"schema": _reference(operation.told)}}
    success = {str(operation.status): {"description": description, "content": content}}
    refused = {str(status): _refused(status) for status in sorted({STATUSES[k] for k in kinds})}
    return {**success, **refused}


def _refused(status: int) -> Node:
    content = {problems.MEDIA_TYPE: {"schema": _reference(answers.ProblemDetails)}}
    told: Node = {"description": _MEANS[status], "content": content}
    if status == STATUSES[Kind.LOG_AWAY]:
        told["headers"] = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return told


def _schemas() -> Node:
    """Every model that something refers to, and those they refer to."""
    named: set[type[BaseModel]] = {one.given for one in OPERATIONS if _has_body(one)}
    named |= {answers.ProblemDetails, *(one.told for one in OPERATIONS)}
    in_order = sorted(named, key=lambda model: model.__name__)
    _, schema = models_json_schema([(model, "validation") for model in in_order], ref_template=_REF)
    schemas: Node = schema["$defs"]
    return {name: schemas[name] for name in sorted(schemas)}


def _reference(model: type[BaseModel]) -> Node:
    return {"$ref": _REF.format(model=model.__name__)}


def _idempotency_key() -> Node:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A word of your own; asking again with it counts once.",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    }


def _retry_after() -> Node:
    return {"description": "seconds to wait", "schema": {"type": "integer"}}
