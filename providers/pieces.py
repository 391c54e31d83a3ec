"""Texts that are longer than a platform takes, as several."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_BREAKS: Final = ("\n\n", "\n", ". ", " ")
"""Where a text is best cut: after a paragraph, a line, a sentence, a word."""

_LEAST: Final = 0.5
"""A piece is at least so full of what it may hold, or it is cut at a lesser break."""


@dataclass(frozen=True, slots=True)
class TextLimit:
    """The longest text that a platform takes, as its `length` counts."""

    most: int
    length: Callable[[str], int] = len


def pieces(text: str, limit: TextLimit) -> tuple[str, ...]:
    """The text in pieces that are each short enough; nothing is lost but white space at a cut."""
    return tuple(_cut(text, limit))


def _cut(text: str, limit: TextLimit) -> Iterator[str]:
    rest = text
    while limit.length(rest) > limit.most:
        whole = _fitting(rest, limit)
        end = _end(rest[:whole])
        if piece := rest[:end].strip():
            yield piece
        rest = rest[end:].lstrip()
    if rest or not text:
        yield rest


def _fitting(text: str, limit: TextLimit) -> int:
    """How many characters from the start are short enough; at least one."""
    least, most = 1, min(len(text), limit.most)
    while least < most:
        middle = (least + most + 1) // 2
        if limit.length(text[:middle]) <= limit.most:
            least = middle
        else:
            most = middle - 1
    return least


def _end(text: str) -> int:
    for one in _BREAKS:
        place = text.rfind(one)
        if place >= len(text) * _LEAST:
            return place + len(one)
    return len(text)
