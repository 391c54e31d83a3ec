"""Where Green API keeps files: nothing is fetched from elsewhere."""

import re
from typing import Final
from urllib.parse import urlsplit

_PLAIN_URL: Final = re.compile(r"https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?")
_STORES: Final = re.compile(
    r"([a-z0-9-]+\.)*(green-api|greenapi)\.(com|org\.il|com\.kz|com\.br)"
    r"|sw-media[a-z0-9-]*\.storage\.yandexcloud\.net"
    r"|do-media-[0-9]+\.[a-z0-9]+\.digitaloceanspaces\.com"
)
"""Its own hosts, and its own buckets with the two clouds that it uses."""


def is_own_url(url: str, base_url: str | None) -> bool:
    """Whether a file may be fetched from `url`: a place of Green API's, or `base_url`'s host.

    Only what every client reads alike passes: no backslash, space, user name or odd port.
    """
    if not _PLAIN_URL.fullmatch(url):
        return False
    try:
        found, port = urlsplit(url), urlsplit(url).port
    except ValueError:
        return False
    if base_url is not None and _origin(url) == _origin(base_url):
        return True
    is_store = _STORES.fullmatch((found.hostname or "").lower()) is not None
    return is_store and found.scheme == "https" and port in {None, 443}


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
