"""Markdown as the generated documents use it."""

from collections.abc import Iterable, Sequence

from docs.generation import NOTICE


def page(title: str, *parts: str) -> str:
    """A generated page."""
    return "\n\n".join((NOTICE, f"# {title}", *parts)) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; `|` in a cell is escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def code(text: object) -> str:
    """`text` as code, nothing for nothing."""
    return f"`{text}`" if text not in (None, "") else ""


def codes(texts: Iterable[object]) -> str:
    """Several texts as code."""
    return ", ".join(map(code, texts))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
