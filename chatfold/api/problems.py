"""Errors as RFC 9457 says: what is wrong, and what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from starlette.responses import Response

from schemas import codec

MEDIA_TYPE: Final = "application/problem+json"
URN: Final = "urn:chatfold:problem:"


class Kind(StrEnum):
    """Every kind of problem; a program may rely on the words."""

    INVALID = "invalid-request"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    WRONG_METHOD = "wrong-method"
    TOO_SLOW = "too-slow"
    CONFLICT = "not-retryable"
    NO_MASTER_KEY = "no-master-key"
    TOO_LARGE = "too-large"
    WRONG_MEDIA = "wrong-media-type"
    FAILED = "internal-error"
    LOG_AWAY = "log-unavailable"
    TABLES_AWAY = "tables-unavailable"
    STORAGE_AWAY = "storage-unavailable"


STATUSES: Final = MappingProxyType(
    {
        Kind.INVALID: 422,
        Kind.UNAUTHENTICATED: 401,
        Kind.FORBIDDEN: 403,
        Kind.NOT_FOUND: 404,
        Kind.WRONG_METHOD: 405,
        Kind.TOO_SLOW: 408,
        Kind.CONFLICT: 409,
        Kind.NO_MASTER_KEY: 409,
        Kind.TOO_LARGE: 413,
        Kind.WRONG_MEDIA: 415,
        Kind.FAILED: 500,
        Kind.LOG_AWAY: 503,
        Kind.TABLES_AWAY: 503,
        Kind.STORAGE_AWAY: 503,
    }
)
RETRY_SECONDS: Final = 5
_HEADERS: Final[Mapping[int, Mapping[str, str]]] = MappingProxyType(
    {401: {"www-authenticate": "Bearer"}, 503: {"retry-after": str(RETRY_SECONDS)}}
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong field: where it is, and what is wrong with it."""

    field: str
    text: str


@dataclass
class Problem(Exception):
    """The answer to a request that cannot be fulfilled."""

    kind: Kind
    detail: str
    errors: Sequence[Mistake] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return STATUSES[self.kind]

    def response(self) -> Response:
        """The answer."""
        told: dict[str, object] = {
            "type": URN + self.kind,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.more,
        }
        if self.errors:
            told["errors"] = [{"field": one.field, "text": one.text} for one in self.errors]
        headers = {**_HEADERS.get(self.status, {}), **self.headers}
        return Response(codec.dumps(told), self.status, headers, MEDIA_TYPE)
