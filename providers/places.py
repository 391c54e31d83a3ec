"""Whether a URL that a provider tells leads to a place that we know to be its own."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

_PLAIN_URL: Final = re.compile(r"https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?")


def is_at(url: str, base_url: str | None, is_known: Callable[[str], bool]) -> bool:
    """Whether `url` leads by https to a host that `is_known`, or to where `base_url` leads.

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
    return is_known(found.hostname or "") and found.scheme == "https" and port in {None, 443}


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
