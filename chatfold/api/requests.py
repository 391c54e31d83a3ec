"""Reads what a request gives, within bounds, and says what is wrong with it field by field."""

import asyncio
import re
from typing import Final, TypeVar, get_origin

from pydantic import ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request

from chatfold.api.problems import Kind, Mistake, Problem
from chatfold.api.questions import Given
from chatfold.tenancy.files import worded
from schemas import codec

G = TypeVar("G", bound=Given)

BODY_BYTES: Final = 262_144
BODY_SECONDS: Final = 10.0

_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")


def from_query(kind: type[G], query: QueryParams) -> G:
    """The parameters in the query; raises `Problem`."""
    raw: dict[str, object] = {}
    for name in query:
        values = query.getlist(name)
        if _is_list(kind, name):
            raw[name] = values
        elif len(values) == 1:
            raw[name] = values[0]
        else:
            raise Problem(Kind.INVALID, "a parameter is wrong", [Mistake(name, "given twice")])
    return _checked(kind, raw, "a parameter is wrong")


async def from_body(kind: type[G], request: Request) -> G:
    """The fields of the JSON object in the body; raises `Problem`.

    Where no field is needed there need be no body.
    """
    body = await _body(request)
    if not body and not any(field.is_required() for field in kind.model_fields.values()):
        return _checked(kind, {}, "")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise Problem(Kind.WRONG_MEDIA, "the body must be application/json")
    try:
        value = codec.loads(body)
    except ValueError as error:
        raise Problem(Kind.INVALID, f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Problem(Kind.INVALID, "the body must be a JSON object")
    return _checked(kind, value, "a field is wrong")


def idempotency_key(request: Request) -> str | None:
    """The header `Idempotency-Key`; raises `Problem`."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        mistake = Mistake("Idempotency-Key", "must be 1 to 255 printable ASCII characters")
        raise Problem(Kind.INVALID, "a header is wrong", [mistake])
    return key


def _is_list(kind: type[Given], name: str) -> bool:
    field = kind.model_fields.get(name)
    return field is not None and get_origin(field.annotation) is list


def _checked(kind: type[G], raw: dict[str, object], wrong: str) -> G:
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        mistakes = [
            Mistake(".".join(map(str, one["loc"])) or "body", worded(one))
            for one in error.errors(include_url=False, include_input=False)
        ]
    raise Problem(Kind.INVALID, wrong, mistakes)


async def _body(request: Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _joined(request)
    except TimeoutError:
        raise Problem(Kind.TOO_SLOW, "the body did not arrive in time") from None
    except ClientDisconnect:
        raise Problem(Kind.INVALID, "the body was cut off") from None


async def _joined(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise Problem(
                Kind.TOO_LARGE,
                f"at most {BODY_BYTES} bytes are taken",
                headers={"connection": "close"},
            )
    return bytes(body)
