"""What of a webhook may enter the log: no secret, no signed URL, no file.

Evolution puts the instance's `apikey` beside the data, Evolution GO an `instanceToken`; whoever
has one commands the account. Files come as base64 in one place or another where `webhookBase64`
is on, and every picture has a thumbnail: none of it is kept, and the file is fetched by
`getBase64FromMediaMessage` when it is wanted. What is kept has a bound, so that a record fits
into the log however large the webhook was.
"""

from functools import lru_cache
from typing import Final

from providers.reading import TEXT_LIMIT, mapping
from schemas.content import Json

_SECRETS: Final = frozenset(
    {
        "apikey",
        "appstatesynckeyshare",
        "authorization",
        "axolotlsenderkeydistributionmessage",
        "instancetoken",
        "jwtkey",
        "keydata",
        "mediakey",
        "messagesecret",
        "pairingcode",
        "password",
        "qrcode",
        "token",
        "webhooktoken",
    }
)
_SIGNED_URLS: Final = frozenset(
    {"directpath", "imgurl", "mediaurl", "profilepicurl", "profilepictureurl", "staticurl"}
    | {"thumbnaildirectpath", "thumbnailurl"}
)
_FILES: Final = frozenset(
    {"base64", "jpegthumbnail", "pngthumbnail", "thumbnail", "scanssidecar", "streamingsidecar"}
    | {"waveform"}
)
_DROPPED: Final = _SECRETS | _SIGNED_URLS | _FILES
_FILE_URLS: Final = frozenset({"url", "URL"})
_HOLDING: Final = (dict, list)
_KEYS: Final = ("apikey", "api_key", "apiKey", "instanceToken")
_SHORTEST_KEY: Final = 8  # a shorter one would be found in what people write
_STRUCK: Final = "***"
_CUT: Final = "\N{HORIZONTAL ELLIPSIS}"
_BUDGET: Final = 400_000
"""Characters of a fragment; even if each takes six bytes, a record of 4 MiB holds them."""
_SMALL: Final = 16_384
"""Bytes of a body that cannot exceed the budget, nor hold a text that is too long."""
_LONGEST_NAME: Final = 64  # no dropped name is as long
_NODE: Final = 16  # characters that a value costs beside its own


def keys_of(body: Json) -> tuple[str, ...]:
    """The keys of the account that a webhook tells."""
    told = [body[name] for name in _KEYS if body.get(name)]
    return tuple([key for key in told if isinstance(key, str) and len(key) >= _SHORTEST_KEY])


def is_plain_body(raw: bytes, keys: tuple[str, ...]) -> bool:
    """Whether nothing of a body must be struck or cut, only left out, as of most.

    Each of the keys stands in it once, and no letter is written as its number.
    """
    if len(raw) > _SMALL or not keys:
        return len(raw) <= _SMALL
    if b"\\u" in raw or b"\\/" in raw:
        return False
    return all(raw.count(key.encode()) == 1 for key in keys)


def sifted(value: object) -> object:
    """A copy of `value` from a plain body: what `redacted` makes, for half its price."""
    if isinstance(value, list):
        return [sifted(one) for one in value]
    if not isinstance(value, dict):
        return value
    is_file = "mimetype" in value or "mediaKey" in value
    kept: Json = {}
    for name, one in value.items():
        if len(name) <= _LONGEST_NAME and (_is_dropped(name) or (is_file and name in _FILE_URLS)):
            continue
        kept[name] = sifted(one) if isinstance(one, _HOLDING) else one
    return kept


def redacted(value: object, keys: tuple[str, ...] = ()) -> object:
    """A copy of `value` that may enter the log; `keys` are struck wherever they stand."""
    return _Copy(keys).of(value)


def redacted_object(value: object, keys: tuple[str, ...] = ()) -> Json:
    """The same of an object; an empty one of anything else."""
    return mapping(_Copy(keys).of(mapping(value)))


class _Copy:
    """One copy, and how much of its budget is left. It runs for every value of every webhook."""

    __slots__ = ("_keys", "_left", "_suspect")

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self._left = _BUDGET
        self._suspect = min([_LONGEST_NAME + 1, *map(len, keys)])  # shorter words hold no key

    def of(self, value: object) -> object:
        """The copy of `value`, as far as the budget goes."""
        if isinstance(value, str):
            return self._words(value)
        if isinstance(value, dict):
            return self._object(value)
        return self._list(value) if isinstance(value, list) else value

    def _object(self, value: Json) -> Json:
        is_file = "mimetype" in value or "mediaKey" in value
        kept: Json = {}
        for name, one in value.items():
            if len(name) <= _LONGEST_NAME:
                if _is_dropped(name) or (is_file and name in _FILE_URLS):
                    continue
                self._left -= len(name) + _NODE
            if len(name) >= self._suspect:
                name = self._words(name)  # noqa: PLW2901
            copied = self._words(one) if isinstance(one, str) else self.of(one)
            if self._left <= 0:
                break
            kept[name] = copied
        return kept

    def _list(self, value: list[object]) -> list[object]:
        kept: list[object] = []
        for one in value:
            self._left -= _NODE
            if self._left <= 0:
                break
            kept.append(self.of(one))
        return kept

    def _words(self, words: str) -> str:
        if len(words) >= self._suspect:
            for key in self._keys:
                words = words.replace(key, _STRUCK)
        if len(words) > TEXT_LIMIT:
            words = words[:TEXT_LIMIT]
        self._left -= len(words)
        return words if self._left > 0 else _CUT


@lru_cache(4096)
def _is_dropped(name: str) -> bool:
    return name.lower().replace("_", "").replace("-", "") in _DROPPED
