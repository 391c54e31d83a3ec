"""Older versions of what is in the log become the newest while they are read.

A published type is never edited. Its next version is a new class; the old one moves to
`superseded.py` beside this, and a step from the one to the other is listed in `OLDER`. Readers
name the newest versions only and never see any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final, Protocol, TypeVar, cast

from schemas import codec
from schemas.facts import ConversationSummarised
from schemas.superseded import ConversationSummarisedV1


class Versioned(Protocol):
    """A fact, input or order: its type is `Name.v1`, then `Name.v2`."""

    type: ClassVar[str]


T = TypeVar("T")
Old = TypeVar("Old", bound=Versioned)
New = TypeVar("New", bound=Versioned)


@dataclass(frozen=True, slots=True)
class Upcaster:
    """One step from a version to the next; `upcaster` makes one whose types agree."""

    old: type[Versioned]
    new: type[Versioned]
    step: Callable[[Versioned], Versioned]


Older = Mapping[str, Upcaster]
"""The step that leads away from each superseded type, by that type's name."""


def upcaster(old: type[Old], new: type[New], step: Callable[[Old], New]) -> Upcaster:
    """The step from `old` to `new`; it is pure, and total: it takes every value of `old`."""
    return Upcaster(old, new, cast(Callable[[Versioned], Versioned], step))


def registry(*upcasters: Upcaster) -> Older:
    """The steps by what they lead away from."""
    return MappingProxyType({one.old.type: one for one in upcasters})


def _summarised(old: ConversationSummarisedV1) -> ConversationSummarised:
    """What was summed up last counted as the latest."""
    return ConversationSummarised(
        job_id=old.job_id, conversation_id=old.conversation_id, text=old.text, is_latest=True
    )


OLDER: Final = registry(
    upcaster(ConversationSummarisedV1, ConversationSummarised, _summarised),
)


def decode(types: Mapping[str, type[T]], older: Older, name: str, data: bytes) -> T:
    """The newest version, one of `types`, of the superseded value in `data`.

    Raises `codec.Undecodable`, and `KeyError` where nothing leads from `name` to `types`.
    """
    value = codec.decode(older[name].old, data)
    while value.type not in types:
        value = older[value.type].step(value)
    return cast(T, value)
