"""Views against a plain fold of the log, while they go on.

A view is what a chat's facts up to its number make of it. So each is held to the fold up to that
number: most after a first reading of the log, up to where the build has read; those that have gone
further meanwhile after a second one, of these chats only.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from chatfold import clock
from chatfold.rebuilding import target as targets
from chatfold.rebuilding.checks import Verified
from chatfold.rebuilding.reading import Facts
from chatfold.rebuilding.rebuild import ends
from chatfold.rebuilding.sample import Sample
from chatfold.rebuilding.views import ViewsTarget
from projections.active_chat import ActiveChat
from projections.build import Build
from projections.naive import NaiveSink
from projections.naive_views import NaiveViews
from projections.partition import Reading, Span
from projections.registry import LogRecord, decode_fact
from projections.sink import Waiters
from projections.stretch import Stretch
from projections.view_comparing import difference, shown
from projections.view_store import NAME, Chat, chunks
from schemas.codec import Undecodable

_ALL: Final = 1 << 31

Decode = Callable[[LogRecord], Facts | None]


async def verify(
    target: ViewsTarget, name: str, sample: Sample, *, limit: int, stop: asyncio.Event
) -> list[Verified]:
    """The views of the build, each against the log up to its own last fact.

    Facts that wait are left out, as they are in the views.
    """
    build = await targets.get(target, name)
    verifying = _Verifying(target, build, sample, _Check(target.lifetime, limit), stop)
    return [await verifying.run()]


class _Check:
    """What was found so far."""

    def __init__(self, lifetime: timedelta, limit: int) -> None:
        self._lifetime = lifetime
        self._now = clock.now()
        self._limit = limit
        self._found = Verified(table=NAME, rows=0, wrong=0, examples=[])

    @property
    def told(self) -> Verified:
        """All of it."""
        return self._found

    def judge(self, chat: Chat, found: ActiveChat | None, wanted: ActiveChat | None) -> None:
        """Count the view, and keep it if it is wrong."""
        before = self._found
        pair = [shown(one, self._lifetime, self._now) for one in (found, wanted)]
        is_wrong = pair[0] != pair[1]
        examples = list(before.examples)
        if is_wrong and len(examples) < self._limit:
            examples.append(difference(chat, *pair))
        self._found = Verified(
            table=NAME,
            rows=before.rows + (found is not None),
            wrong=before.wrong + is_wrong,
            examples=examples,
        )


class _Verifying:
    """One partition is folded at a time."""

    def __init__(
        self,
        target: ViewsTarget,
        build: Build,
        sample: Sample,
        check: _Check,
        stop: asyncio.Event,
    ) -> None:
        self._target = target
        self._build = build
        self._store = target.of.of(build)
        self._sample = sample
        self._check = check
        self._stop = stop

    async def run(self) -> Verified:
        """What was found."""
        known, ahead = set[Chat](), list[Chat]()
        for partition, end in sorted((await self._target.positions(self._build)).items()):
            folded = await self._folded(partition, end, _strictly)
            known.update(folded.views)
            ahead += await self._compare(folded.views)
        ahead += await self._unknown(known)
        if ahead:
            await self._settle(ahead)
        return self._check.told

    async def _compare(self, wanted: Mapping[Chat, ActiveChat]) -> list[Chat]:
        """Judge the views that have not gone further than the fold; returns those that have."""
        ahead: list[Chat] = []
        for chat, found in await self._load(wanted):
            if found is not None and found.seq > wanted[chat].seq:
                ahead.append(chat)
            else:
                self._check.judge(chat, found, wanted[chat])
        return ahead

    async def _unknown(self, known: Collection[Chat]) -> list[Chat]:
        """Chats that have a view, and no facts up to where the build had read."""
        return [
            chat
            async for some in self._target.of.chats(self._build)
            for chat in dict.fromkeys(some)
            if chat not in known and self._sample.holds(chat[1])
        ]

    async def _settle(self, chats: Iterable[Chat]) -> None:
        """Judge each by what it was at the number that its view has."""
        found = dict(await self._load(dict.fromkeys(chats)))
        at = {chat: view.seq for chat, view in found.items() if view is not None}
        keys = {chat_id.encode() for _, chat_id in at}
        then: dict[Chat, ActiveChat] = {}
        for partition, (_, end) in (await ends(self._target, self._build.scope)).items():
            folded = await self._folded(partition, end, partial(_leniently, keys), at)
            then |= folded.then
        for chat, view in found.items():
            if view is not None:  # one that is gone again, with its build
                self._check.judge(chat, view, then.get(chat))

    async def _load(self, chats: Iterable[Chat]) -> Sequence[tuple[Chat, ActiveChat | None]]:
        loaded: list[tuple[Chat, ActiveChat | None]] = []
        for some in chunks(list(chats)):
            loaded += zip(some, await self._store.load(some), strict=True)
        return loaded

    async def _folded(
        self, partition: int, end: int, decode: Decode, at: Mapping[Chat, int] | None = None
    ) -> NaiveViews:
        waits, views = (
            await self._waiting(partition),
            NaiveViews(self._target.lifetime, self._sees, at),
        )
        reading = Reading(
            projection=f"{NAME} verify",
            decode=partial(_unless_waiting, waits, decode),
            sink=NaiveSink(views),
            clock=clock.now,
            tells_kafka=False,
        )
        span = Span(self._build.scope.first.get(partition), end)
        await Stretch(reading, self._target.place, {partition: span}).read(self._stop)
        return views

    async def _waiting(self, partition: int) -> frozenset[int]:
        """The places in the log of what waits."""
        topic = self._target.place.topic
        keys = await self._store.waiting(topic, partition)
        waiters = [Waiters(topic, partition, key) for key in sorted(keys)]
        return frozenset(
            [one.offset for some in waiters for one in await self._store.first(some, _ALL)]
        )

    def _sees(self, recorded: Facts) -> bool:
        return self._build.scope.sees(recorded) and self._sample.holds(recorded.chat_id)


def _unless_waiting(waits: Collection[int], decode: Decode, record: LogRecord) -> Facts | None:
    return None if record.offset in waits else decode(record)


def _strictly(record: LogRecord) -> Facts | None:
    return decode_fact(record)


def _leniently(keys: Collection[bytes], record: LogRecord) -> Facts | None:
    """The fact, if it is of these chats; what cannot be read may be about to wait."""
    if record.key not in keys:
        return None
    try:
        return decode_fact(record)
    except Undecodable:
        return None
