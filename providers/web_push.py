"""Web push (RFC 8030, 8291, 8292): a notification to a browser that subscribed.

The account is the contact that push services are told, as `mailto:ops@example.com`. Whom to
send to is the browser's subscription, in JSON.
"""

import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from providers import plain
from providers.answers import body_of, failed_by_status, is_success, missing, retry_after, words
from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import (
    Accepted,
    Credentials,
    Exchange,
    HttpRequest,
    HttpResponse,
    Outgoing,
)
from providers.reading import mapping, text
from providers.sending import PushRequest, Sent
from schemas import codec
from schemas.content import Platform

VAPID_KEY: Final = "vapid_private_key"
_KEPT_SECONDS: Final = 86_400
"""How long a push service keeps it for a browser that is away: a reply is news for a day."""

_TEXT_LIMIT: Final = 3_000
_PAYLOAD_LIMIT: Final = 3_993
"""4,096 bytes less what the encryption adds: all that services must take (RFC 8030)."""

_HOSTS: Final = frozenset({"fcm.googleapis.com", "updates.push.services.mozilla.com"})
_DOMAINS: Final = (".push.services.mozilla.com", ".push.apple.com", ".notify.windows.com")
_URL: Final = re.compile(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*")
_CONTACT: Final = re.compile(r"(mailto:[^@\s]+@[^@\s]+|https://\S+)")
_NOT_OF_A_TOPIC: Final = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_TOPIC: Final = 32
_POINT_BYTES: Final = 65
_SECRET_BYTES: Final = 16
_GONE: Final = (404, 410)
_KEYS_REFUSED: Final = (401, 403)


@dataclass(frozen=True, slots=True)
class _Subscription:
    endpoint: str
    key: str
    secret: str


def send(message: Outgoing, credentials: Credentials, base_url: str | None) -> Exchange[Sent]:
    """The exchange that pushes a message; what is no text goes as the words it has."""
    if lacking := missing(credentials, VAPID_KEY):
        return lacking
    if not (_CONTACT.fullmatch(message.account) and _is_private_key(credentials[VAPID_KEY])):
        detail = "the account must be mailto:… or https://…, its key 32 bytes in base64url"
        return _refused(FailureCode.NOT_CONFIGURED, detail)
    browser = _subscription(message.to, base_url)
    if browser is None:
        detail = "not a subscription at a known push service"
        return _refused(FailureCode.RECIPIENT_UNREACHABLE, detail)
    said = plain.words_of(message.content)
    if refused := plain.objection(said, _TEXT_LIMIT):
        return refused
    request = _request(message, browser, credentials[VAPID_KEY], said or "")
    if len(request.body) > _PAYLOAD_LIMIT:
        return _refused(FailureCode.CONTENT_REFUSED, "the text is too long for a notification")
    response = yield request
    if is_success(response):
        where = text(response.headers.get("location"))
        return Accepted(platform_message_id=where, http_status=response.status)
    return _refusal(request, response)


def _request(message: Outgoing, browser: _Subscription, key: str, said: str) -> PushRequest:
    """A later attempt at the same reply replaces one that the browser has not fetched."""
    reply = _NOT_OF_A_TOPIC.sub("", message.reference.partition(":")[0].replace("-", ""))
    return PushRequest(
        method="POST",
        url=browser.endpoint,
        headers={
            "ttl": str(_KEPT_SECONDS),
            "urgency": "high",
            "topic": reply[:_LONGEST_TOPIC] or "reply",
            "content-type": "application/octet-stream",
        },
        body=codec.dumps({"body": said, "tag": reply}),
        secrets=(browser.secret, key),
        receiver_key=browser.key,
        receiver_secret=browser.secret,
        sender_key=key,
        contact=message.account,
    )


def _refusal(request: HttpRequest, response: HttpResponse) -> SendFailure | Unconfirmed:
    waits = retry_after(response)
    if response.status >= 500 and waits is None:
        detail = f"HTTP {response.status}"
        return Unconfirmed(reason=Unknown.SERVER_ERROR, http_status=response.status, detail=detail)
    said = body_of(response)
    return SendFailure(
        code=_meaning(response.status),
        http_status=response.status,
        detail=words(request, text(said.get("message")), text(said.get("error")))
        or words(request, response.body[:200].decode(errors="replace"))
        or f"HTTP {response.status}",
        retry_after_seconds=waits,
    )


def _meaning(status: int) -> FailureCode:
    if status in _GONE:
        return FailureCode.RECIPIENT_UNREACHABLE
    if status in _KEYS_REFUSED:
        return FailureCode.UNAUTHENTICATED
    return FailureCode.CONTENT_REFUSED if status == 413 else failed_by_status(status)


def _subscription(to: str, base_url: str | None) -> _Subscription | None:
    try:
        told = mapping(codec.loads(to.encode()))
    except ValueError:
        return None
    keys = mapping(told.get("keys"))
    endpoint, key = text(told.get("endpoint")), text(keys.get("p256dh"))
    secret = text(keys.get("auth"))
    if not (endpoint and key and secret and _is_known(endpoint, base_url)):
        return None
    if not _is_point(key) or len(_bytes(secret)) != _SECRET_BYTES:
        return None
    return _Subscription(endpoint, key, secret)


def _is_known(endpoint: str, base_url: str | None) -> bool:
    """Whether a browser's push service is there: else it could send us to any address."""
    if not _URL.fullmatch(endpoint):
        return False
    found = urlsplit(endpoint)
    if base_url is not None and _origin(endpoint) == _origin(base_url):
        return True
    is_one = found.netloc in _HOSTS or found.netloc.endswith(_DOMAINS)
    return is_one and found.scheme == "https"


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _is_point(key: str) -> bool:
    point = _bytes(key)
    if len(point) != _POINT_BYTES:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        return False
    return True


def _is_private_key(key: str) -> bool:
    raw = _bytes(key)
    try:
        ec.derive_private_key(int.from_bytes(raw), ec.SECP256R1())
    except ValueError:
        return False
    return len(raw) == 32


def _bytes(word: str) -> bytes:
    """What base64url, with or without its padding, says; nothing if it is not that."""
    try:
        return urlsafe_b64decode(word.rstrip("=").encode() + b"=" * (-len(word.rstrip("=")) % 4))
    except ValueError:
        return b""


def _refused(code: FailureCode, detail: str) -> SendFailure:
    return SendFailure(code=code, http_status=None, detail=detail)


class WebPush:
    """The channel."""

    name: Final = "web_push"
    platform: Final = Platform.WEB_PUSH
    required_credentials: Final = (VAPID_KEY,)
    send = staticmethod(send)


CHANNEL: Final = WebPush()
