"""Who may use the API: bearer tokens by name, compared in constant time."""

import hmac
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final

from chatfold.refusal import Refusal
from chatfold.tenancy import Secrets
from chatfold.tenancy.secrets import SecretMissing

LOG: Final = logging.getLogger(__name__)

SHORTEST: Final = 16
SINGLE: Final = "operator"
WAY_OUT: Final = (
    "set CHATFOLD_API_TOKEN to a long secret, or CHATFOLD_API_TOKENS to"
    " NAME:SECRET[,NAME:SECRET…]; a secret may be a reference, env:NAME or file:PATH, and a name"
    " ends in /viewer if it may only look"
)

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,62}")
_REFERENCES: Final = ("env:", "file:")
_BEARER: Final = "bearer "


class Right(StrEnum):
    """What a token lets its bearer do."""

    OPERATOR = "operator"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who has shown a token."""

    name: str
    right: Right

    @property
    def may_act(self) -> bool:
        """Whether actions are allowed, not only looking."""
        return self.right is Right.OPERATOR


@dataclass(frozen=True, slots=True)
class Token:
    """A token by its digest, so that the comparison takes the same time for every length."""

    bearer: Bearer
    digest: bytes = field(repr=False)


class Tokens:
    """All tokens of the role."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple(tokens)

    def bearer(self, authorization: str | None) -> Bearer | None:
        """Who the `Authorization` header proves to be there; every token is compared."""
        if not authorization or authorization[: len(_BEARER)].lower() != _BEARER:
            return None
        shown = _digest(authorization[len(_BEARER) :].strip())
        found = None
        for token in self._tokens:
            if hmac.compare_digest(shown, token.digest):
                found = token.bearer
        return found


def tokens(single: str | None, several: str | None, secrets: Secrets) -> Tokens:
    """The tokens of the settings; raises `Refusal` if there are none, or one is wrong."""
    entries = list(_entries(single, several))
    if not entries:
        raise Refusal(f"the API has no token: {WAY_OUT}")
    names = [bearer.name for bearer, _ in entries]
    for name in names:
        if names.count(name) > 1:
            raise Refusal(f"CHATFOLD_API_TOKENS names {name!r} twice")
    return Tokens([_token(bearer, secret, secrets) for bearer, secret in entries])


def _entries(single: str | None, several: str | None) -> Iterator[tuple[Bearer, str]]:
    if single:
        yield Bearer(SINGLE, Right.OPERATOR), single
    for number, entry in enumerate(filter(None, map(str.strip, (several or "").split(","))), 1):
        named, colon, secret = entry.partition(":")
        name, _, right = named.partition("/")
        if not colon or not _NAME.fullmatch(name) or right not in {"", *Right}:
            raise Refusal(f"entry {number} of CHATFOLD_API_TOKENS is not NAME:SECRET: {WAY_OUT}")
        yield Bearer(name, Right(right or Right.OPERATOR)), secret


def _token(bearer: Bearer, secret: str, secrets: Secrets) -> Token:
    if secret.startswith(_REFERENCES):
        try:
            secret = secrets.resolve(secret, tenant=None)
        except SecretMissing as missing:
            raise Refusal(f"the API token of {bearer.name!r}: {missing}") from None
    if not secret:
        raise Refusal(f"the API token of {bearer.name!r} is empty: {WAY_OUT}")
    if len(secret) < SHORTEST:
        LOG.warning(
            "the API token of %s is easy to guess: take %s characters or more, such as those of"
            " `openssl rand -hex 24`",
            bearer.name,
            SHORTEST,
        )
    return Token(bearer, _digest(secret))


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()
