"""What was found in files, as every store can hold it; pure."""

from collections.abc import Mapping, Sequence
from typing import Final

LONGEST_TEXT: Final = 200_000
"""Characters: some 70 pages. It is in every fact, table and search index that it comes to."""

CUT: Final = "\n[…]"


def whole(texts: Sequence[str], seen: Mapping[int, str]) -> str:
    """The text of a document's pages in order; what a model saw on a page stands for its own."""
    pages = (seen.get(number, text).strip() for number, text in enumerate(texts))
    return "\n\n".join(filter(None, pages))


def storable(text: str) -> str:
    """The text without what no store holds, and not endless."""
    words = plain(text)
    return words if len(words) <= LONGEST_TEXT else words[: LONGEST_TEXT - len(CUT)] + CUT


def plain(text: str) -> str:
    """The text without NUL, and with U+FFFD for halves of characters."""
    return text.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
