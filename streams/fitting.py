"""Which utterances fit into a prompt: those to answer first, then the newest."""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec.structs import replace

from schemas.content import Utterance
from streams import marking, tokens

LEAST: Final = 40
"""Tokens; less of an utterance says nothing."""

SHARE: Final = 2
"""One utterance has at most half of the room, so that a long document leaves the question in."""

_TURN: Final = 4
_TEXTS: Final = ("text", "transcript", "description", "extracted")
"""What is cut last comes first."""


def fitted(
    conversation: Sequence[Utterance], unanswered: Collection[str], room: int
) -> tuple[list[Utterance], int]:
    """The utterances that `room` tokens hold, in their order, and how many are left out."""
    newest_first = list(reversed(range(len(conversation))))
    due = [at for at in newest_first if conversation[at].message_id in unanswered]
    others = [at for at in newest_first if conversation[at].message_id not in unanswered]
    kept, left = dict[int, Utterance](), room
    for at in due:
        shown = _shortened(conversation[at], max(room // max(SHARE, len(due)), LEAST))
        kept[at] = shown
        left -= _cost(shown)
    for at in others:
        if left < LEAST:
            break
        shown = _shortened(conversation[at], min(room // SHARE, left))
        kept[at] = shown
        left -= _cost(shown)
    return [kept[at] for at in sorted(kept)], len(conversation) - len(kept)


def _shortened(one: Utterance, most: int) -> Utterance:
    """The utterance, its texts cut so that it is about `most` tokens."""
    if _cost(one) <= most:
        return one
    bare = replace(one, **dict.fromkeys(_TEXTS))
    left = most - _cost(bare)
    for name in _TEXTS:
        text = getattr(one, name)
        if text:
            shown = marking.cut(text, max(left, 0))
            bare = replace(bare, **{name: shown or None})
            left = most - _cost(bare)
    return bare


def _cost(one: Utterance) -> int:
    return tokens.estimate(marking.message(one, is_unanswered=True)) + _TURN
