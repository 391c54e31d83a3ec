"""Two builds of the views, chat by chat: counts, and the first views that differ.

A view is what the chat's facts up to its number make of it. So two of the same number that differ
do so for good; of two with other numbers one has only read further, and must be looked at again.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zlib import crc32

from projections.active_chat import ActiveChat
from projections.build import Build
from projections.comparing import RowDifference, TableDifference
from projections.view_builds import ViewBuilds
from projections.view_store import NAME, Chat, ViewStore, chunks, is_active, kept, resting
from schemas import codec

_RANGES: Final = 256

Pair = tuple[ViewStore, ViewStore]
Views = tuple[ActiveChat | None, ActiveChat | None]


class Comparison:
    """What was found so far."""

    def __init__(self, lifetime: timedelta, now: datetime, limit: int) -> None:
        self._lifetime = lifetime
        self._now = now
        self._limit = limit
        self._rows = [0, 0]
        self._ranges: set[int] = set()
        self._examples: list[RowDifference] = []
        self.undecided: list[Chat] = []
        """Chats of which one build has read more than the other."""

    def told(self) -> TableDifference:
        """How the builds compare; a range is a 256th of the chats."""
        return TableDifference(
            table=NAME,
            rows=(self._rows[0], self._rows[1]),
            ranges_that_differ=len(self._ranges),
            examples=self._examples,
        )

    def look(self, chat: Chat, views: Views) -> None:
        """Count the chat, and judge it if that is possible now."""
        for number, view in enumerate(views):
            self._rows[number] += view is not None
        first, second = views
        if (first and first.seq) != (second and second.seq):
            self.undecided.append(chat)
        else:
            self.judge(chat, views)

    def judge(self, chat: Chat, views: Views) -> None:
        """Take every difference for one."""
        first, second = (shown(one, self._lifetime, self._now) for one in views)
        if first != second:
            self._ranges.add(crc32("/".join(chat).encode()) % _RANGES)
            if len(self._examples) < self._limit:
                self._examples.append(difference(chat, first, second))


def shown(view: ActiveChat | None, lifetime: timedelta, now: datetime) -> ActiveChat | None:
    """As readers would see it by now; of one that is not active only what stays."""
    if view is None or is_active(view, lifetime, now):
        return view
    return resting((view.tenant, view.chat_id), kept(view))


async def look_at_all(found: Comparison, builds: ViewBuilds, both: Sequence[Build]) -> Pair:
    """Every chat of the two builds; returns these, opened."""
    first, second = both
    pair, seen = (builds.of(first), builds.of(second)), set[Chat]()
    for build in both:
        async for some in builds.chats(build):
            new = [chat for chat in dict.fromkeys(some) if chat not in seen]
            seen.update(new)
            for chat, views in await _both(pair, new):
                found.look(chat, views)
    return pair


async def judge(found: Comparison, pair: Pair, chats: Iterable[Chat]) -> None:
    """These chats once more, and for good."""
    for some in chunks(list(chats)):
        for chat, views in await _both(pair, some):
            found.judge(chat, views)


async def _both(pair: Pair, chats: Sequence[Chat]) -> list[tuple[Chat, Views]]:
    first, second = pair
    views = zip(await first.load(chats), await second.load(chats), strict=True)
    return list(zip(chats, views, strict=True))


def difference(chat: Chat, first: ActiveChat | None, second: ActiveChat | None) -> RowDifference:
    """The view's fields that differ."""
    key = dict(zip(("tenant_id", "chat_id"), chat, strict=True))
    if first is None or second is None:
        return RowDifference(key=key, only_in="second" if first is None else "first")
    one, other = _plain(first), _plain(second)
    cells = {name: (one.get(name), other.get(name)) for name in sorted(one.keys() | other.keys())}
    differ = {name: pair for name, pair in cells.items() if pair[0] != pair[1]}
    return RowDifference(key=key, columns=differ)


def _plain(view: ActiveChat) -> Mapping[str, object]:
    plain = codec.loads(codec.dumps(view))
    assert isinstance(plain, dict)  # as every value is written
    return plain
