"""What a person asks a rebuild to hold, and the offsets that it means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from chatfold.refusal import Refusal
from projections.scope import Scope
from projections.stretch import Place, since

_OFFSETS: Final = re.compile(r"\d+:\d+(,\d+:\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A time, or PARTITION:OFFSET,…, or nothing, for either end; one tenant's or chat's facts."""

    first: str | None = None
    until: str | None = None
    tenant: str | None = None
    chat: str | None = None


async def scope(place: Place, asked: Asked) -> Scope:
    """The scope in offsets; raises `Refusal` on what is neither a time nor offsets."""
    return Scope(
        first=await _offsets(place, asked.first, "--from"),
        until=await _offsets(place, asked.until, "--until"),
        tenant=asked.tenant,
        chat=asked.chat,
    )


def moment(text: str, option: str) -> datetime:
    """The time; one without a zone is UTC. Raises `Refusal`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(
            f"{option} {text!r} is neither a time like 2026-11-28T12:00 nor offsets like 0:100,1:90"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def _offsets(place: Place, text: str | None, option: str) -> Mapping[int, int]:
    if text is None:
        return {}
    if _OFFSETS.fullmatch(text):
        pairs = (pair.split(":") for pair in text.split(","))
        return {int(partition): int(offset) for partition, offset in pairs}
    return await since(place, moment(text, option))
