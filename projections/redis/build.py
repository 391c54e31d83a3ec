"""One build in Redis, for its one writer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from projections.active_chat import ActiveChat
from projections.parked_facts import PoisonFact
from projections.redis import scripts
from projections.redis.server import Argument, Server, members, several, text
from projections.sink import (
    Fenced,
    Move,
    Parked,
    ProjectionRefused,
    SinkUnavailable,
    Waiters,
)
from projections.view_store import (
    LATE,
    Chat,
    Waiting,
    poison,
    read_kept,
    read_view,
    resting,
    stored,
    waiting,
)
from schemas import codec

_HELD_SECONDS: Final = 20.0  # a promotion lets go long before
_LOOK_SECONDS: Final = 0.02


class RedisBuild:
    """The build of this name; `is_live` if it is to be written only as long as it is that."""

    def __init__(self, server: Server, name: str, *, is_live: bool) -> None:
        self._server = server
        self._name = name
        self._self: tuple[str, str] = (name, "live" if is_live else "")

    async def load(self, chats: Sequence[Chat]) -> list[ActiveChat | None]:
        """As `ViewStore`."""
        names = [part for chat in chats for part in chat]
        with self._server.writing():
            found = several(await self._server.run(scripts.LOAD, self._name, *names))
        pairs = zip(chats, found[::2], found[1::2], strict=True)
        return [_read(chat, view, person) for chat, view, person in pairs]

    async def save(
        self,
        views: Sequence[ActiveChat],
        now: datetime,
        move: Move | None,
        parked: Sequence[Parked] = (),
    ) -> None:
        """As `ViewStore`."""
        cells = [cell for view in views for cell in self._cells(view, now)]
        wait = [cell for one in parked for cell in _parked(one, now)]
        step = (*_step(move), self._since(now), now.timestamp(), len(views))
        await self._write(scripts.SAVE, *step, *cells, *wait, what=move)

    async def position(self, topic: str, partition: int) -> int | None:
        """As `ViewStore`."""
        with self._server.writing():
            found = await self._server.run(scripts.POSITION, *self._self, _place(topic, partition))
        if isinstance(found, list):
            return None if found[0] is None else int(found[0])
        raise self._refusal(text(found), topic)

    async def waiting(self, topic: str, partition: int) -> frozenset[bytes]:
        """As `ViewStore`."""
        with self._server.writing():
            key = self._key("waiting", _place(topic, partition))
            return frozenset(members(await self._server.client.smembers(key)))

    async def first(self, waiters: Waiters, limit: int) -> list[Parked]:
        """As `ViewStore`."""
        return [one.parked() for one in map(_waiting, await self._range(waiters, limit))]

    async def take_up(
        self,
        views: Sequence[ActiveChat],
        now: datetime,
        waiters: Waiters,
        offsets: Sequence[int],
    ) -> None:
        """As `ViewStore`."""
        known = await self._range(waiters, len(offsets))
        if [_waiting(one).offset for one in known] != list(offsets):
            raise Fenced(f"{waiters}: another replays the same facts")
        cells = [cell for view in views for cell in self._cells(view, now)]
        step = (waiters.place, waiters.key, self._since(now))
        await self._write(scripts.TAKE_UP, *step, len(views), *cells, *known, what=waiters)

    async def blame(self, waiters: Waiters, offset: int, reason: str, stack: str) -> None:
        """As `ViewStore`."""
        for known in await self._range(waiters, 1):
            one = _waiting(known)
            if one.offset == offset:
                told = codec.dumps(_blamed(one, reason, stack))
                cells = (waiters.place, waiters.key, known, told)
                await self._write(scripts.BLAME, *cells, what=waiters)

    async def poison(self) -> list[PoisonFact]:
        """As `ViewStore`."""
        found: list[PoisonFact] = []
        with self._server.writing():
            async for key in self._server.keys(self._name, "waiting", ""):
                topic, _, partition = key.removeprefix(self._key("waiting", "")).rpartition("/")
                for waits in sorted(members(await self._server.client.smembers(key))):
                    found += await self._poison(Waiters(topic, int(partition), waits))
        return found

    async def _poison(self, waiters: Waiters) -> list[PoisonFact]:
        behind = await self._server.client.llen(self._parked(waiters)) - 1
        first = [_waiting(one) for one in await self._range(waiters, 1)]
        return [poison(waiters.topic, waiters.partition, one, behind) for one in first]

    async def _range(self, waiters: Waiters, limit: int) -> list[bytes]:
        with self._server.writing():
            found = await self._server.client.lrange(self._parked(waiters), 0, limit - 1)
        return several(found)

    async def _write(self, script: str, *arguments: Argument, what: object) -> None:
        """Wait for as long as a promotion holds the live build."""
        deadline = asyncio.get_running_loop().time() + _HELD_SECONDS
        while (word := await self._server.words(script, *self._self, *arguments)) == "held":
            if asyncio.get_running_loop().time() > deadline:
                raise SinkUnavailable("the live views are held by a promotion or a comparison")
            await asyncio.sleep(_LOOK_SECONDS)
        if word:
            raise self._refusal(word, what)

    def _refusal(self, word: str, what: object) -> Exception:
        if word == "dropped":
            return ProjectionRefused(f"Build {self._name} of the views was dropped.")
        return Fenced(f"views {self._name}: {what}: {word}")

    def _cells(self, view: ActiveChat, now: datetime) -> tuple[Argument, ...]:
        stays, shown = stored(view)
        until = max(view.last_activity, now) + self._server.lifetime + LATE
        activity = view.last_activity.timestamp()
        head = (view.tenant, view.chat_id, view.seq, stays, shown)
        return (*head, int(until.timestamp() * 1000), activity)

    def _since(self, now: datetime) -> float:
        return (now - self._server.lifetime).timestamp()

    def _key(self, *parts: str) -> str:
        return self._server.key(self._name, *parts)

    def _parked(self, waiters: Waiters) -> bytes:
        return self._key("parked", waiters.place, "").encode() + waiters.key


def _place(topic: str, partition: int) -> str:
    return f"{topic}/{partition}"


def _step(move: Move | None) -> tuple[str, str | int, str | int]:
    if move is None:
        return ("", "", "")
    begin = "" if move.begin is None else move.begin
    return (_place(move.topic, move.partition), begin, move.end)


def _parked(one: Parked, now: datetime) -> tuple[Argument, ...]:
    why = "" if one.reason is None else "poison"
    return (one.key, why, codec.dumps(waiting(one, now)))


def _waiting(data: bytes) -> Waiting:
    return codec.decode(Waiting, data)


def _blamed(one: Waiting, reason: str, stack: str) -> Waiting:
    told = replace(one.parked(), reason=reason, stack=stack)
    return waiting(told, one.parked_at)


def _read(chat: Chat, view: bytes, person: bytes) -> ActiveChat | None:
    if view:
        return read_view(view)
    return resting(chat, read_kept(person)) if person else None
