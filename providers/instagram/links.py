"""Links and tokens that whoever has them can use: kept only where nothing else gives a file."""

from typing import Final

from schemas.content import Json

_CDN: Final = ("fbsbx.com", "fbcdn.net", "cdninstagram.com")
_PERMALINKS: Final = ("https://www.instagram.com/", "https://instagram.com/")
_TOKENS: Final = frozenset({"notification_messages_token", "one_time_notif_token"})
_NAMES: Final = frozenset({"url", "link", "photo_url", "video_url", "image_url", "preview_url"})


def is_permalink(url: str) -> bool:
    """Whether `url` is the public page of a post, not its file."""
    return url.startswith(_PERMALINKS)


def unsigned(url: str) -> str:
    """`url` without the signature that opens a file to anybody."""
    place, mark, _ = url.partition("?")
    return place if mark and any(host in place for host in _CDN) else url


def without_signatures(value: object) -> object:
    """A copy of a JSON value in which no link opens a file and no token lets one write."""
    if isinstance(value, list):
        return [without_signatures(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: unsigned(one) if key in _NAMES and isinstance(one, str) else without_signatures(one)
        for key, one in value.items()
        if key not in _TOKENS
    }


def kept(node: Json) -> Json:
    """A message or the like, its links to files kept and those to stories and ads unsigned."""
    if "reply_to" not in node and "referral" not in node:
        return node
    loose: Json = {
        key: without_signatures(node[key]) for key in ("reply_to", "referral") if key in node
    }
    return {**node, **loose}
