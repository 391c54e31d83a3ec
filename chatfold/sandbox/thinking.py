"""What the sandbox's models say: always the same to the same, and what a test wants them to."""

import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from typing import Final

from providers.reading import items, mapping
from schemas.content import Json

LONGEST_ECHO: Final = 300
MOST_SAYINGS: Final = 10_000
BYTES_A_SECOND: Final = 2_000
SUM_UP: Final = "Sum up"

_MARK: Final = re.compile(r"<[^<>]*>")
_SUMMARY: Final = re.compile(r"\bsum(?: up|mari[sz]e)\b", re.IGNORECASE)
_WORDS: Final = (
    "amber", "bridge", "candle", "desert", "ember", "forest", "garden", "harbour",
    "island", "jungle", "kettle", "lantern", "meadow", "needle", "orchard", "pepper",
    "quarry", "river", "saddle", "temple", "umbrella", "valley", "window", "yarrow",
    "anchor", "basket", "copper", "dragon", "engine", "feather", "glacier", "hammer",
)  # fmt: skip


@dataclass(slots=True)
class Sayings:
    """What the models are to say, by the SHA-256 of what they hear or see, or by words in it."""

    of_bytes: dict[str, str] = field(default_factory=dict)
    of_words: dict[str, str] = field(default_factory=dict)

    def put(self, about: str, words: str) -> None:
        """Have `words` said of bytes by their SHA-256; raises `ValueError` if there is no room."""
        _bounded(self.of_bytes, about)[about] = words

    def answer(self, to: str, words: str) -> None:
        """Have `words` answered to what holds `to`; raises `ValueError` if there is no room."""
        _bounded(self.of_words, to)[to] = words

    def of(self, data: bytes) -> str:
        """What is said of a sound or a picture: unless told otherwise, words made of its bytes."""
        digest = sha256(data)
        made = " ".join(_WORDS[byte % len(_WORDS)] for byte in digest.digest()[:4])
        return self.of_bytes.get(digest.hexdigest(), made)

    def to(self, words: str) -> str | None:
        """What is to be answered to these words, if a test has said so.

        To a conversation that is to be summed up it is what begins with `SUM_UP`.
        """
        of_sort = words.startswith(SUM_UP)
        said = ((held, say) for held, say in self.of_words.items() if held in words)
        return next((say for held, say in said if held.startswith(SUM_UP) is of_sort), None)


def answer(asked: Json, number: int, sayings: Sayings) -> str:
    """The answer to a chat completion; `number` makes it differ from that to any other."""
    messages = [mapping(one) for one in items(asked.get("messages"))]
    said = said_last(messages)
    told = " ".join(_words(one.get("content")) for one in messages if one.get("role") == "system")
    is_summary = _SUMMARY.search(told) is not None
    if (wanted := sayings.to(f"{SUM_UP}: {said}" if is_summary else said)) is not None:
        return wanted
    if seen := pictures(messages):
        return " and ".join(sayings.of(one) for one in seen)
    what = "Summary" if is_summary else "Answer"
    return f"{what} {number} to {len(messages)} messages, the last of which says: {said}"


def said_last(messages: Sequence[Json]) -> str:
    """The words of the last message of a user, without marks around them."""
    users = [one for one in messages if one.get("role") == "user"]
    words = _words(users[-1].get("content")) if users else ""
    return " ".join(unescape(_MARK.sub(" ", words)).split())[:LONGEST_ECHO]


def pictures(messages: Sequence[Json]) -> list[bytes]:
    """The bytes of all pictures that are shown; raises `ValueError` on what is none."""
    urls = [
        str(mapping(part.get("image_url")).get("url"))
        for one in messages
        for part in map(mapping, items(one.get("content")))
        if part.get("type") == "image_url"
    ]
    return [b64decode(url.partition(";base64,")[2], validate=True) for url in urls]


def _words(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = (mapping(part).get("text") for part in items(content))
    return " ".join(part for part in parts if isinstance(part, str))


def _bounded(kept: dict[str, str], name: str) -> dict[str, str]:
    if len(kept) >= MOST_SAYINGS and name not in kept:
        raise ValueError(f"more than {MOST_SAYINGS} sayings")
    return kept
