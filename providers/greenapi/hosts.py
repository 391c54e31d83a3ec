"""Where Green API keeps files: nothing is fetched from elsewhere."""

import re
from typing import Final

from providers.places import is_at

_STORES: Final = re.compile(
    r"([a-z0-9-]+\.)*(green-api|greenapi)\.(com|org\.il|com\.kz|com\.br)"
    r"|sw-media[a-z0-9-]*\.storage\.yandexcloud\.net"
    r"|do-media-[0-9]+\.[a-z0-9]+\.digitaloceanspaces\.com"
)
"""Its own hosts, and its own buckets with the two clouds that it uses."""


def is_own_url(url: str, base_url: str | None) -> bool:
    """Whether a file may be fetched from `url`: a place of Green API's, or `base_url`'s host."""
    return is_at(url, base_url, lambda host: _STORES.fullmatch(host) is not None)
