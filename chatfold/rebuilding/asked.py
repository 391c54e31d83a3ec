"""What a person asks a rebuild to hold, and the offsets that it means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chatfold import clock, moments
from chatfold.refusal import Refusal
from projections.scope import Scope
from projections.stretch import Place, held, since

WAYS: Final = f"{moments.WAYS}, or offsets by partition (0:1500,1:1498)"
"""How either end can be told, for helps and errors."""

_OFFSETS: Final = re.compile(r"\d+:\d+(,\d+:\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A time, or PARTITION:OFFSET,…, or nothing, for either end; one tenant's or chat's facts."""

    first: str | None = None
    until: str | None = None
    tenant: str | None = None
    chat: str | None = None


async def scope(place: Place, asked: Asked) -> Scope:
    """The scope in offsets; raises `Refusal` on what is neither a time nor offsets of the log."""
    return Scope(
        first=await _offsets(place, asked.first, "--from"),
        until=await _offsets(place, asked.until, "--until"),
        tenant=asked.tenant,
        chat=asked.chat,
    )


async def _offsets(place: Place, text: str | None, option: str) -> Mapping[int, int]:
    if text is None:
        return {}
    if _OFFSETS.fullmatch(text):
        return await _named(place, text, option)
    return await since(place, moments.moment(text, clock.now(), ways=WAYS))


async def _named(place: Place, text: str, option: str) -> Mapping[int, int]:
    pairs = (pair.split(":") for pair in text.split(","))
    offsets = {int(partition): int(offset) for partition, offset in pairs}
    known = (await held(place)).end.keys()
    if missing := sorted(offsets.keys() - known):
        raise Refusal(
            f"{option} {text}: {place.topic} has the partitions 0 to {max(known)}, not"
            f" {missing[0]}. Write {WAYS}."
        )
    return offsets
