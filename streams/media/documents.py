"""The text of a document out of its pages; pure."""

from collections.abc import Mapping, Sequence


def whole(texts: Sequence[str], seen: Mapping[int, str]) -> str:
    """The text of all pages in order; what a model has seen on a page goes before its own."""
    pages = (seen.get(number, text).strip() for number, text in enumerate(texts))
    return "\n\n".join(filter(None, pages))
