"""Marks around what a model must not take for instructions, which nobody can write himself."""

import re
from html import escape
from types import MappingProxyType
from typing import Final

from schemas.content import MessageKind, Origin, Utterance
from streams import tokens

_WHO: Final = MappingProxyType(
    {
        Origin.USER: "customer",
        Origin.BOT: "assistant",
        Origin.HUMAN: "team",
        Origin.OPERATOR: "team",
        Origin.SYSTEM: "system",
    }
)
_UNSEEN: Final = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no text should hold; some hide words from people in them."""

_OWN_MARKS: Final = re.compile(
    r"<(?=/?(?:message|transcript|document|picture|before|name|text|file|omitted)\b)", re.IGNORECASE
)


def is_own(one: Utterance) -> bool:
    """Whether the model itself, or a handler in its place, said it."""
    return one.origin is Origin.BOT


def own(one: Utterance) -> str:
    """What the bot said, as its own turn; marks that it was led to repeat are none."""
    said = one.text or f"({one.kind})"
    return _OWN_MARKS.sub("\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", _clean(said))


def message(one: Utterance, *, is_unanswered: bool) -> str:
    """A message and what was found in its file, between marks."""
    attributes = {
        "from": _WHO[one.origin],
        "name": one.speaker,
        "at": f"{one.at:%Y-%m-%d %H:%M}",
        "kind": None if one.kind is MessageKind.TEXT else str(one.kind),
        "unanswered": "yes" if is_unanswered else None,
    }
    inside = [
        _escaped(one.text or ""),
        f'<file name="{_escaped(one.file_name)}"/>' if one.file_name else "",
        marked("transcript", one.transcript),
        marked("document", one.extracted),
        marked("picture", one.description),
    ]
    shown = "".join(f' {name}="{_escaped(value)}"' for name, value in attributes.items() if value)
    found = "\n".join(part for part in inside if part)
    return f"<message{shown}>{found}</message>"


def marked(mark: str, text: str | None, most: int | None = None) -> str:
    """The text between marks, cut to about `most` tokens; "" where there is none."""
    if not text:
        return ""
    return f"<{mark}>{_escaped(text if most is None else cut(text, most))}</{mark}>"


def omitted(number: int) -> str:
    """Tells that older messages are not shown."""
    return f'<omitted messages="{number}"/>'


def cut(text: str, most: int) -> str:
    """As much of the text's beginning as is about so many tokens between marks."""
    if tokens.estimate(_escaped(text)) <= most:
        return text
    shorter = tokens.cut(text, most)
    while shorter and (length := tokens.estimate(_escaped(shorter))) > most:
        shorter = tokens.cut(text, tokens.estimate(shorter) * most // length - 1)
    return shorter


def _escaped(text: str) -> str:
    return escape(_clean(text), quote=True)


def _clean(text: str) -> str:
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)
