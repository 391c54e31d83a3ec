"""Approved message templates, as the content of a message."""

from typing import Final

from msgspec.structs import replace

from providers.reading import mapping
from schemas.content import Content, Json

_FIELD: Final = "template"
LONGEST_PARAMETER: Final = 1024
"""Characters; Meta's limit for the text of a body, which the parameter is part of."""


def as_template(content: Content, *, name: str, language: str, with_words: bool) -> Content:
    """The same words, to be sent as a template."""
    told = {"name": name, "language": language, "with_words": with_words}
    return replace(content, structured={_FIELD: told})


def is_template(content: Content) -> bool:
    """Whether the content is to be sent as a template."""
    return content.structured is not None and _FIELD in content.structured


def node(content: Content) -> Json:
    """The template in the words of Meta's API.

    A parameter holds no line breaks, no tabs and no more than four spaces in a row.
    """
    told = mapping(mapping(content.structured).get(_FIELD))
    named: Json = {"name": told["name"], "language": {"code": told["language"]}}
    words = " ".join((content.text or "").split())[:LONGEST_PARAMETER]
    if told.get("with_words") and words:
        parameter = {"type": "text", "text": words}
        named["components"] = [{"type": "body", "parameters": [parameter]}]
    return named
