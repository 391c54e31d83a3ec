"""A push service with browsers behind it: it checks who sends, and they read what was sent.

A browser is made when its subscription is asked for. One whose name begins with `gone` has
been removed by its user.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import http_ece
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from py_vapid.utils import b64urldecode

from chatfold.sandbox.exchange import JSON, Answer, World, answer
from chatfold.sandbox.journal import Received
from schemas import codec
from schemas.content import Json

PROVIDER: Final = "web_push"
MOST_BROWSERS: Final = 10_000
_LONGEST_BODY: Final = 4_096
_LONGEST_LIFE: Final = 86_400
_REFUSALS: Final[dict[int, tuple[int, str]]] = {
    400: (110, "Invalid crypto keys specified"),
    401: (109, "Invalid authentication"),
    403: (109, "Invalid authentication"),
    404: (102, "Invalid URL endpoint"),
    410: (106, "Request references an invalid subscription"),
    413: (104, "Message payload is too large"),
    429: (200, "Too many requests"),
    500: (999, "Unknown error"),
    503: (201, "Use exponential back-off for retries"),
}


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser's own keys."""

    name: str
    key: ec.EllipticCurvePrivateKey
    secret: bytes

    def subscription(self, url: str) -> Json:
        """What it tells a site that may send to it, at the push service at `url`."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": _word(point), "auth": _word(self.secret)}
        return {"endpoint": f"{url}/_push/{self.name}", "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> Json | None:
        """What was sent to it, None if it cannot read that."""
        try:
            plain = http_ece.decrypt(
                body, private_key=self.key, auth_secret=self.secret, version="aes128gcm"
            )
            told = codec.loads(plain)
        except (http_ece.ECEException, ValueError):
            return None
        return told if isinstance(told, dict) else None


class Browsers:
    """The browsers by name."""

    def __init__(self) -> None:
        self._known: dict[str, Browser] = {}

    def find(self, name: str) -> Browser | None:
        """The browser of that name that has subscribed."""
        return self._known.get(name)

    def subscribed(self, name: str) -> Browser:
        """The browser of that name; raises `ValueError` if there are too many."""
        if name not in self._known and len(self._known) >= MOST_BROWSERS:
            raise ValueError(f"more than {MOST_BROWSERS} browsers")
        if name not in self._known:
            key = ec.generate_private_key(ec.SECP256R1())
            self._known[name] = Browser(name, key, secrets.token_bytes(16))
        return self._known[name]


class PushService:
    """Judges requests as Mozilla's push service does."""

    def __init__(self, browsers: Browsers, now: Callable[[], datetime]) -> None:
        self._browsers = browsers
        self._now = now

    def judge(self, request: Received, authorization: str) -> Answer:
        """Where the message waits, or what is wrong with the request."""
        if self._browsers.find(request.to or "") is None:
            return self.refuse(404, None)
        if (request.to or "").startswith("gone"):
            return self.refuse(410, None)
        if not self._is_authentic(authorization, str(request.body["origin"])):
            return self.refuse(401, None)
        if int(str(request.body["bytes"])) > _LONGEST_BODY:
            return self.refuse(413, None)
        if request.body["ttl"] is None or request.text is None:
            return self.refuse(400, None)
        where = f"{request.body['origin']}/_push/m/{request.number}"
        return Answer(201, {}, where, headers={"location": where, "ttl": str(request.body["ttl"])})

    def refuse(self, status: int, retry_after: int | None) -> Answer:
        """A refusal in the push service's words."""
        errno, message = _REFUSALS.get(status, (999, "Unknown error"))
        body: Json = {"code": status, "errno": errno, "error": "", "message": message}
        headers = {"retry-after": str(retry_after)} if retry_after is not None else None
        return Answer(status, body, headers=headers)

    def _is_authentic(self, authorization: str, origin: str) -> bool:
        """Whether the token is signed by the key beside it, for us, for now, by somebody."""
        try:
            if not Vapid02.verify(authorization):
                return False
            token = authorization.partition("t=")[2].partition(",")[0]
            claims = codec.loads(b64urldecode(token.split(".")[1].encode()))
        except (ValueError, KeyError, IndexError, AssertionError, InvalidSignature):
            return False
        left = claims["exp"] - self._now().timestamp() if isinstance(claims, dict) else 0
        return (
            isinstance(claims, dict)
            and claims.get("aud") == origin
            and 0 < left <= _LONGEST_LIFE
            and str(claims.get("sub")).startswith(("mailto:", "https://"))
        )


def routes(world: World, browsers: Browsers) -> list[web.RouteDef]:
    """Where browsers subscribe, and messages to them are taken."""
    service = PushService(browsers, world.now)

    async def subscribe(http: web.Request) -> web.Response:
        try:
            browser = browsers.subscribed(http.match_info["browser"])
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=409)
        told = codec.dumps(browser.subscription(f"{http.scheme}://{http.host}"))
        return web.Response(body=told, content_type=JSON)

    async def push(http: web.Request) -> web.Response:
        body, name = await http.read(), http.match_info["browser"]
        browser = browsers.find(name)
        told = browser.read(body) if browser else None
        received = Received(
            number=world.journal.next_number(),
            received_at=world.now(),
            provider=PROVIDER,
            account="push",
            method="push",
            to=name,
            text=str(told["body"]) if told and "body" in told else None,
            reference=http.headers.get("topic"),
            is_send=True,
            body={
                "bytes": len(body),
                "ttl": http.headers.get("ttl"),
                "urgency": http.headers.get("urgency"),
                "encoding": http.headers.get("content-encoding"),
                "origin": f"{http.scheme}://{http.host}",
                "told": told,
            },
        )
        return await answer(world, service, received, http, http.headers.get("authorization", ""))

    return [web.get("/_push/{browser}", subscribe), web.post("/_push/{browser}", push)]


def _word(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
