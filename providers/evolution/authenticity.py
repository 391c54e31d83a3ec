"""Whether a webhook is Evolution's own.

Evolution signs nothing. What proves a webhook is what one has told it to send: a fixed
`Authorization` header (or `apikey`, its own word), or the token that it makes of a `jwt_key`.
Where it sends no such header, as its global webhook does, the key in the body is all there is.

The token says until when it is good; that is not looked at, as nothing here knows the time. A
copied token therefore proves as much as a copied fixed header would.
"""

import binascii
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from providers.proofs import is_same
from providers.protocol import Webhook
from providers.reading import mapping, text
from schemas import codec
from schemas.content import Json

_HEADERS: Final = ("authorization", "apikey")
_SCHEME: Final = "bearer "


class _Keyed(Struct, gc=False):
    apikey: object = None
    instanceToken: object = None  # noqa: N815  # Evolution GO's name


_keyed: Final = Decoder(_Keyed).decode


def sign(body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG001  # it signs no body
    """The header that Evolution was told to send."""
    return {"authorization": f"Bearer {secret}"}


def verify(webhook: Webhook, secret: str) -> bool:
    """Whether the webhook carries the secret, a token made with it, or else has it as its key."""
    if not secret:
        return False
    given = [found for name in _HEADERS if (found := webhook.headers.get(name))]
    if not given:
        return any(is_same(key, secret) for key in _keys_in(webhook.body))
    return any(_proves(header, secret) for header in given)


def _proves(header: str, secret: str) -> bool:
    token = header[len(_SCHEME) :] if header[: len(_SCHEME)].lower() == _SCHEME else header
    return is_same(token, secret) or is_same(header, secret) or _is_token(token, secret)


def _is_token(token: str, secret: str) -> bool:
    """Whether it is a JWT of Evolution's, signed by HS256 with the secret."""
    signed, _, signature = token.rpartition(".")
    head, _, claims = signed.partition(".")
    if not (head and claims and signature and token.isascii()):
        return False
    made = hmac.digest(secret.encode("utf-8", "surrogatepass"), signed.encode(), "sha256")
    if not hmac.compare_digest(made, _decoded(signature)):
        return False
    told = _object(claims)
    is_webhook = (told.get("app"), told.get("action")) == ("evolution", "webhook")
    return _object(head).get("alg") == "HS256" and is_webhook


def _decoded(part: str) -> bytes:
    """The bytes of base64url without padding; none where it is not that."""
    try:
        padded = part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4)
        return binascii.a2b_base64(padded)
    except ValueError:
        return b""


def _object(part: str) -> Json:
    try:
        return mapping(codec.loads(_decoded(part)))
    except ValueError:
        return {}


@lru_cache(1)  # several secrets are tried on one body
def _keys_in(body: bytes) -> tuple[str, ...]:
    try:
        told = _keyed(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    return tuple(filter(None, (text(told.apikey), text(told.instanceToken))))
