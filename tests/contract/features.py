"""What a webhook can tell, and which samples of a provider tell it.

A provider's samples show all that it can tell but what its case names as lacking; the reference
of providers is made from both.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from providers.protocol import (
    Deletion,
    Edit,
    Incoming,
    Item,
    Message,
    Notice,
    Provider,
    StatusReport,
)
from providers.reading import mapping
from schemas.content import MessageKind, Status
from schemas.inputs import ItemKind
from tests.contract.case import Case
from tests.support.fixtures import load, sample_files


@dataclass(frozen=True)
class Told:
    """An item of a sample, what it says, and of how many it is one."""

    file: str
    item: Item
    said: Incoming
    of: int


Feature = Callable[[Told], bool]


def bodies(provider: Provider, case: Case) -> dict[str, object]:
    """Every sample of a provider, and what its case has beside them, by name."""
    samples = {path.stem: load(path) for path in sample_files(provider.name)}
    return samples | dict(case.also)


def told(provider: Provider, case: Case) -> Iterator[Told]:
    """Every item of every body."""
    for name, body in bodies(provider, case).items():
        items = provider.split(body)
        for item in items:
            yield Told(name, item, provider.parse(item.kind, item.fragment), len(items))


def shown(provider: Provider, case: Case) -> dict[str, str]:
    """Each feature that a body shows, and the name of the simplest that does."""
    found: dict[str, str] = {}
    for one in sorted(told(provider, case), key=lambda one: (one.of, len(one.file), one.file)):
        for title, holds in FEATURES.items():
            if title not in found and holds(one):
                found[title] = one.file
    return found


def _is_kind(kind: MessageKind) -> Feature:
    return lambda one: _written(one) is not None and _written(one).content.kind is kind


def _written(one: Told) -> Message | None:
    """What a person wrote to the business, and no import."""
    said = one.said
    is_written = isinstance(said, Message) and one.item.kind is not ItemKind.ECHO
    return said if is_written and not said.is_history else None


def _is_taken_back(one: Told) -> bool:
    said = _written(one)
    is_reaction = said is not None and said.content.kind is MessageKind.REACTION
    return is_reaction and not mapping(said.content.structured).get("emoji")


def _message(holds: Callable[[Message], object]) -> Feature:
    return lambda one: (said := _written(one)) is not None and bool(holds(said))


def _echo(holds: Callable[[Message], object]) -> Feature:
    return lambda one: (
        one.item.kind is ItemKind.ECHO and isinstance(one.said, Message) and bool(holds(one.said))
    )


def _status(holds: Callable[[StatusReport], object]) -> Feature:
    return lambda one: isinstance(one.said, StatusReport) and bool(holds(one.said))


def _notice(holds: Callable[[Notice], object]) -> Feature:
    return lambda one: isinstance(one.said, Notice) and bool(holds(one.said))


def _is(status: Status) -> Feature:
    return _status(lambda said: said.status is status)


def _names(*words: str) -> Feature:
    return _notice(lambda said: any(word in said.notice.lower() for word in words))


_KINDS: Final = (one for one in MessageKind if one is not MessageKind.SYSTEM)

FEATURES: Final[Mapping[str, Feature]] = MappingProxyType(
    {f"{kind}": _is_kind(kind) for kind in _KINDS}
    | {
        "caption of a file": _message(lambda said: said.content.caption),
        "answer to a message": _message(lambda said: said.reply_to),
        "reaction taken back": _is_taken_back,
        "in a group": _message(lambda said: said.is_group),
        "a person's other id": lambda one: bool(getattr(one.said, "also_known_as", ())),
        "edit": lambda one: isinstance(one.said, Edit),
        "deletion": lambda one: isinstance(one.said, Deletion),
        **{f"status {status}": _is(status) for status in Status},
        "why it failed": _status(lambda said: said.error_code or said.error_message),
        "our reference in a status": _status(lambda said: said.reference),
        "echo of what a person typed": _echo(lambda said: said.from_human),
        "echo of what a program sent": _echo(lambda said: said.is_own),
        "our reference in an echo": _echo(lambda said: said.reference),
        "imported history": lambda one: getattr(one.said, "is_history", False),
        "call": _names("call"),
        "story or broadcast": _names("story", "broadcast"),
        "chat that moved": _notice(lambda said: said.moved_to),
        "notice of a chat": lambda one: _is_notice_of(one, account=False),
        "notice of the account": lambda one: _is_notice_of(one, account=True),
        "several in one webhook": lambda one: one.of > 1,
        "unknown shape": lambda one: one.item.kind is ItemKind.UNRECOGNISED,
    }
)


def _is_notice_of(one: Told, *, account: bool) -> bool:
    return isinstance(one.said, Notice) and (one.item.platform_user_id == "") is account
