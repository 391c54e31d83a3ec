"""How many tokens a text is for a model, estimated: the real tables are not ours to ship.

Meant to be too high rather than too low: for most languages it is 1.0 to 1.8 times what OpenAI's
older table (cl100k) gives, and up to 4 times what the newer (o200k) does. Too low, by up to a
half, it is for emojis and for scripts that these tables hardly know.
"""

import re
from math import ceil
from typing import Final

CUT: Final = " […]"
"""Stands where a text was cut."""

_PLAIN: Final = re.compile(r"[A-Za-z ]+")
_LONG: Final = re.compile(r"[!-~]{30,}")
"""Links, keys and the like: no words that a table could know."""

_OF_PLAIN: Final = 2 / 7
_OF_OTHER: Final = 1 / 2
_OF_LONG: Final = 3 / 4


def estimate(text: str) -> int:
    """About how many tokens a text is."""
    rest, tokens = text, 0.0
    if long := _LONG.findall(text):
        tokens += _OF_LONG * sum(map(len, long))
        rest = _LONG.sub("", text)
    plain = sum(map(len, _PLAIN.findall(rest)))
    other = len(rest.encode("utf-8", "surrogatepass")) - plain
    return ceil(tokens + _OF_PLAIN * plain + _OF_OTHER * other)


def cut(text: str, tokens: int) -> str:
    """The text, or as much of its beginning as is about so many tokens."""
    if estimate(text) <= tokens:
        return text
    least, most = 0, len(text)
    while least < most:
        middle = (least + most + 1) // 2
        if estimate(text[:middle] + CUT) <= tokens:
            least = middle
        else:
            most = middle - 1
    return text[:least] + CUT if least else ""
