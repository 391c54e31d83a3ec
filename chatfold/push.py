"""Encrypts and signs web push, so that it goes out like every other request."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar
from urllib.parse import urlsplit

from py_vapid import Vapid02
from pywebpush import WebPusher

from providers.protocol import Exchange, HttpRequest
from providers.sending import PushRequest
from streams.ports import HttpClient, Trouble

T = TypeVar("T")

TOKEN_LIFE: Final = timedelta(hours=12)
"""RFC 8292 allows no more than a day."""

_ENCODING: Final = "aes128gcm"


class PushHttp:
    """An HTTP client for exchanges with push requests among others."""

    def __init__(self, http: HttpClient, now: Callable[[], datetime]) -> None:
        self._http = http
        self._now = now

    async def drive(self, exchange: Exchange[T]) -> T | Trouble:
        """What the exchange came to, or why it got no answer; raises what the exchange raises."""
        return await self._http.drive(_sealing(exchange, self._now))


def _sealing(exchange: Exchange[T], now: Callable[[], datetime]) -> Exchange[T]:
    """The same exchange with its push requests sealed."""
    try:
        request = next(exchange)
        while True:
            sealed = seal(request, now()) if isinstance(request, PushRequest) else request
            request = exchange.send((yield sealed))
    except StopIteration as end:
        ended: T = end.value
        return ended
    finally:
        exchange.close()


def seal(request: PushRequest, now: datetime) -> HttpRequest:
    """The request that only the browser can read, and that the push service knows is ours."""
    keys = {"p256dh": request.receiver_key, "auth": request.receiver_secret}
    pusher = WebPusher({"endpoint": request.url, "keys": keys})
    parts = urlsplit(request.url)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + TOKEN_LIFE).timestamp()),
        "sub": request.contact,
    }
    signed = Vapid02.from_string(request.sender_key).sign(claims)
    return HttpRequest(
        method=request.method,
        url=request.url,
        headers={
            **request.headers,
            "content-encoding": _ENCODING,
            "authorization": signed["Authorization"],
        },
        body=pusher.encode(request.body, _ENCODING)["body"],
        secrets=request.secrets,
        max_bytes=request.max_bytes,
    )
