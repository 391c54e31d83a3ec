"""What Meta's products share: signature, challenge, Graph requests and their errors."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from providers.answers import body_of, failed_by_status, retry_after, words
from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.places import is_at
from providers.proofs import is_same
from providers.protocol import HttpRequest, HttpResponse, Item, Webhook
from providers.reading import identifier, integer, items, mapping, text
from providers.unforeseen import rest, unrecognised
from schemas import codec
from schemas.content import Json

if TYPE_CHECKING:
    from hashlib import _Hash

SplitEntry = Callable[[object, list[Item]], None]
"""Appends the items of one entry, whatever it is."""

SESSION_WINDOW: Final = timedelta(hours=24)
"""After a person's last message; later, only templates and tags that Meta has to approve."""
GRAPH: Final = "https://graph.facebook.com/v23.0"
ANSWER_BYTES: Final = 262_144
_NO_SUCH_OBJECT: Final = (100, 33)  # or the token may not see it: a wrong account or media id
_HOSTS: Final = frozenset({"graph.facebook.com", "lookaside.fbsbx.com"})
_DOMAINS: Final = (".fbcdn.net", ".fbsbx.com", ".whatsapp.net")
_CDN_DOMAINS: Final = (".fbcdn.net", ".fbsbx.com", ".cdninstagram.com")
_SIGNATURE: Final = "x-hub-signature-256"
_BODY_KEYS: Final = frozenset({"object", "entry"})
_BLOCK: Final = 64  # bytes that SHA-256 takes at a time

_RATE_LIMITS: Final = (4, 17, 32, 613, 80006, 80007, 80008)
_TEMPLATES: Final = (132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068, 132069)
_UNREACHABLE: Final = (130497, 131020, 131021, 131026, 131030, 131041, 131207)
_PERMISSIONS: Final = range(200, 300)
_CODES: Final[Mapping[FailureCode, Sequence[int]]] = {
    FailureCode.THROTTLED: (*_RATE_LIMITS, 130429, 131048, 131056, 131064, 131208, 133016),
    FailureCode.PROVIDER_DOWN: (1, 2, 1200, 131000, 131016, 131057),
    FailureCode.MEDIA_UNAVAILABLE: (131052, 131053),
    FailureCode.UNAUTHENTICATED: (0, 3, 10, 102, 190, 131005, *_PERMISSIONS),
    FailureCode.ACCOUNT_DISABLED: (368, 131031, 131037, 131045, 133010),
    FailureCode.QUOTA_EXHAUSTED: (131042,),
    FailureCode.OUTSIDE_WINDOW: (131047,),
    FailureCode.RECIPIENT_UNREACHABLE: (551, *_UNREACHABLE),
    FailureCode.CONTENT_REFUSED: (100, 131008, 131009, 131051, 131062, 135000, *_TEMPLATES),
}
_SUBCODES: Final[Mapping[FailureCode, Sequence[int]]] = {
    FailureCode.OUTSIDE_WINDOW: (2018278, 2534022),
    FailureCode.RECIPIENT_UNREACHABLE: (1545041, 2018001, 2534014),
    FailureCode.MEDIA_UNAVAILABLE: (2018008, 2018294),
    FailureCode.TOO_LARGE: (2018109,),
    FailureCode.REFUSED: (2534037,),  # another app has the conversation
}
"""Messenger and Instagram say one code, as 10 or 100, for much, and the subcode for what."""


def _by_number(table: Mapping[FailureCode, Sequence[int]]) -> Mapping[int, FailureCode]:
    return MappingProxyType({number: ours for ours, numbers in table.items() for number in numbers})


_MEANING: Final = _by_number(_CODES)
_DETAILED: Final = _by_number(_SUBCODES)


def sign(body: bytes, secret: str) -> Mapping[str, str]:
    """The signature header of a body, made with the app's secret."""
    return {_SIGNATURE: f"sha256={_hmac_sha256(body, secret)}"}


def verify(webhook: Webhook, secret: str) -> bool:
    """Whether the raw body was signed with the app's secret."""
    given = webhook.headers.get(_SIGNATURE)
    if not given or not secret:
        return False
    return is_same(given, f"sha256={_hmac_sha256(webhook.body, secret)}")


def _hmac_sha256(body: bytes, secret: str) -> str:
    """As `hmac.digest`, with what depends on the secret alone computed once (RFC 2104)."""
    inner, outer = _halves(secret)
    inner, outer = inner.copy(), outer.copy()
    inner.update(body)
    outer.update(inner.digest())
    return outer.hexdigest()


@lru_cache(1024)
def _halves(secret: str) -> tuple["_Hash", "_Hash"]:
    key = secret.encode()
    key = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return sha256(bytes(one ^ 0x36 for one in key)), sha256(bytes(one ^ 0x5C for one in key))


def challenge(query: Mapping[str, str], verify_token: str) -> str | None:
    """The challenge to echo to a subscription check that knows our token."""
    if not verify_token or not is_same(query.get("hub.verify_token", ""), verify_token):
        return None
    return query.get("hub.challenge") if query.get("hub.mode") == "subscribe" else None


def split(body: object, name: str, split_entry: SplitEntry) -> list[Item]:
    """The items of a parsed body that tells of objects of that name, in its order."""
    if not isinstance(body, dict) or body.get("object") != name:
        return [unrecognised(None, f"not an object of {name}", body)]
    found: list[Item] = []
    for entry in items(body.get("entry")):
        split_entry(entry, found)
    if not found:
        found.append(unrecognised(None, "no entry", body))
    elif not body.keys() <= _BODY_KEYS:
        found.append(rest("the body", None, body, _BODY_KEYS))
    return found


def graph_request(
    method: str,
    url: str,
    token: str,
    *,
    body: Json | None = None,
    max_bytes: int = ANSWER_BYTES,
) -> HttpRequest:
    """A request that carries the access token."""
    headers = {"authorization": f"Bearer {token}"}
    if body is not None:
        headers["content-type"] = "application/json"
    return HttpRequest(
        method=method,
        url=url,
        headers=headers,
        body=b"" if body is None else codec.dumps(body),
        secrets=(token,),
        max_bytes=max_bytes,
    )


def is_own_url(url: str, base_url: str | None) -> bool:
    """Whether a token may be sent to `url`: a host of Meta's, or the one that `base_url` names."""
    return is_at(url, base_url, lambda host: host in _HOSTS or host.endswith(_DOMAINS))


def is_cdn_url(url: str, base_url: str | None) -> bool:
    """Whether `url` is a file of Meta's, to be fetched without a token."""
    return is_at(url, base_url, lambda host: host.endswith(_CDN_DOMAINS))


def refusal(request: HttpRequest, response: HttpResponse) -> SendFailure | Unconfirmed:
    """What an answer that is no success means; only the provider's own words are certain."""
    error = mapping(body_of(response).get("error"))
    if response.status < 300:
        return _unconfirmed(Unknown.MALFORMED_ANSWER, response, "success without a message id")
    if response.status >= 500 and not error:
        return _unconfirmed(Unknown.SERVER_ERROR, response, f"HTTP {response.status}")
    return failure(request, response)


def failure(request: HttpRequest, response: HttpResponse) -> SendFailure:
    """The failure that an answer tells of, by Graph's code where it gives one."""
    error = mapping(body_of(response).get("error"))
    code = integer(error.get("code"))
    return SendFailure(
        code=_meaning(code, integer(error.get("error_subcode")), response.status),
        http_status=response.status,
        detail=words(request, identifier(code), *_said(error)) or f"HTTP {response.status}",
        retry_after_seconds=retry_after(response),
    )


def _meaning(code: int | None, subcode: int | None, status: int) -> FailureCode:
    known = _DETAILED.get(subcode or 0) or _MEANING.get(-1 if code is None else code)
    if status in {401, 429} or known is None or (code, subcode) == _NO_SUCH_OBJECT:
        return failed_by_status(status)
    return known


def _said(error: Json) -> tuple[str | None, ...]:
    details = mapping(error.get("error_data")).get("details")
    return text(error.get("message")) or text(error.get("title")), text(details)


def _unconfirmed(reason: Unknown, response: HttpResponse, detail: str) -> Unconfirmed:
    return Unconfirmed(reason=reason, http_status=response.status, detail=detail)
