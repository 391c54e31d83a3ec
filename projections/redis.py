"""Views of active chats in Redis or Valkey: one Lua call for a chunk, guarded by fact numbers.

Keys, after the prefix: `chat:TENANT:CHAT` the view, with its time to live; `person:TENANT:CHAT`
what stays; `active:TENANT` chats by last activity; `tenants`; `positions`; `counts`. A script
touches several, so that they must be on one server: no cluster.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from projections.active_chat import ActiveChat
from projections.sink import Fenced, Move, SinkUnavailable
from projections.view_store import (
    HOPS,
    VERSION,
    Chat,
    Stats,
    ViewsUnavailable,
    is_active,
    kept,
    read_kept,
    read_view,
    resting,
    told,
)
from schemas import codec

TIMEOUT_SECONDS: Final = 5.0

_Argument = str | bytes | int | float

# KEYS counts, then for each chat its view and its person.
_LOAD: Final = """
local found, hits = {}, 0
for i = 2, #KEYS, 2 do
  local view = redis.call('GET', KEYS[i])
  if view then hits = hits + 1 end
  found[i - 1] = view or ''
  found[i] = redis.call('HGET', KEYS[i + 1], 'kept') or ''
end
local chats = (#KEYS - 1) / 2
redis.call('HINCRBY', KEYS[1], 'operations', chats)
redis.call('HINCRBY', KEYS[1], 'hits', hits)
redis.call('HINCRBY', KEYS[1], 'misses', chats - hits)
return found
"""

# KEYS counts, positions, tenants, then for each chat its view, its person and its tenant's set.
# ARGV place, begin, end (place '' = no step), time from which a chat is active; then for each
# chat seq, what stays, view ('' = not active), milliseconds of its end, activity, chat, tenant.
# A view that is not newer than what is stored is skipped: repeats and late writers change nothing.
_SAVE: Final = """
if ARGV[1] ~= '' and (redis.call('HGET', KEYS[2], ARGV[1]) or '') ~= ARGV[2] then return 0 end
local a, swept = 5, {}
for i = 4, #KEYS, 3 do
  local view, person, active = KEYS[i], KEYS[i + 1], KEYS[i + 2]
  local stored = redis.call('HGET', person, 'seq')
  if not stored or tonumber(stored) < tonumber(ARGV[a]) then
    redis.call('HSET', person, 'seq', ARGV[a], 'kept', ARGV[a + 1])
    if ARGV[a + 2] ~= '' then
      redis.call('SET', view, ARGV[a + 2], 'PXAT', ARGV[a + 3])
      redis.call('ZADD', active, ARGV[a + 4], ARGV[a + 5])
      redis.call('SADD', KEYS[3], ARGV[a + 6])
    else
      redis.call('DEL', view)
      redis.call('ZREM', active, ARGV[a + 5])
    end
  end
  if not swept[active] then
    redis.call('ZREMRANGEBYSCORE', active, '-inf', ARGV[4])
    swept[active] = true
  end
  a = a + 7
end
if ARGV[1] ~= '' then redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
if #KEYS > 3 then redis.call('HINCRBY', KEYS[1], 'operations', (#KEYS - 3) / 3) end
return 1
"""

# KEYS counts, tenant's set. ARGV time from which a chat is active, how many, prefix of views.
_ACTIVE: Final = """
local since, found = '(' .. ARGV[1], {}
local chats =
  redis.call('ZRANGE', KEYS[2], '+inf', since, 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[2])
for _, chat in ipairs(chats) do
  local view = redis.call('GET', ARGV[3] .. chat)
  if view then found[#found + 1] = view end
end
redis.call('HINCRBY', KEYS[1], 'operations', 1)
return found
"""

# KEYS counts, tenants. ARGV time from which a chat is active, prefix of tenants' sets.
_STATS: Final = """
local chats = 0
for _, tenant in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  chats = chats + redis.call('ZCOUNT', ARGV[2] .. tenant, '(' .. ARGV[1], '+inf')
end
local counts = redis.call('HMGET', KEYS[1], 'operations', 'hits', 'misses', 'errors')
return {counts[1] or '0', counts[2] or '0', counts[3] or '0', counts[4] or '0', tostring(chats)}
"""


def connect(url: str) -> "Redis":
    """A client whose calls end in time; a connection that has died is replaced once a call."""
    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


class RedisViews:
    """The views under one prefix; reads for everybody, writes for the one writer."""

    def __init__(
        self, client: "Redis", prefix: str, lifetime: timedelta, *, clock: Callable[[], datetime]
    ) -> None:
        self._prefix = f"{prefix}:v{VERSION}"
        self._lifetime = lifetime
        self._clock = clock
        self._client = client
        self._load = client.register_script(_LOAD)
        self._save = client.register_script(_SAVE)
        self._active = client.register_script(_ACTIVE)
        self._stats = client.register_script(_STATS)
        self._errors = 0

    async def get(self, tenant: str, chat_id: str) -> ActiveChat | None:
        """The view of the chat, or of the one that goes on for it, None if it is not active.

        Raises `ViewsUnavailable`.
        """
        goes_on = chat_id
        for _ in range(HOPS):
            with self._reading():
                view, person = await self._load(self._keys_to_load([(tenant, goes_on)]))
                await self._report_errors()
            if view:
                return self._shown(read_view(view))
            into = read_kept(person).merged_into if person else None
            if into is None:
                break
            goes_on = into
        return None

    async def active(self, tenant: str, limit: int = 50) -> list[ActiveChat]:
        """The tenant's active chats, the latest first; raises `ViewsUnavailable`."""
        keys = [self._key("counts"), self._key("active", tenant)]
        arguments: list[_Argument] = [
            self._active_since(self._clock()),
            limit,
            self._key("chat", tenant, ""),
        ]
        with self._reading():
            views = await self._active(keys, arguments)
        read = map(self._shown, map(read_view, views))
        return [view for view in read if view is not None]

    async def stats(self) -> Stats:
        """What all processes have counted; never raises."""
        keys = [self._key("counts"), self._key("tenants")]
        arguments: list[_Argument] = [self._active_since(self._clock()), self._key("active", "")]
        try:
            with self._reading():
                await self._report_errors()
                found = await self._stats(keys, arguments)
        except ViewsUnavailable:
            return {"reachable": False, "errors": self._errors}
        operations, hits, misses, errors, chats = map(int, found)
        return told(
            reachable=True,
            operations=operations,
            hits=hits,
            misses=misses,
            errors=errors,
            active_chats=chats,
        )

    async def load(self, chats: Sequence[Chat]) -> list[ActiveChat | None]:
        """What is known of each chat; of one that is not active, only the person."""
        with self._writing():
            found = await self._load(self._keys_to_load(chats))
        pairs = zip(chats, found[::2], found[1::2], strict=True)
        return [_read(chat, view, person) for chat, view, person in pairs]

    async def save(self, views: Sequence[ActiveChat], now: datetime, move: Move | None) -> None:
        """Write the views that are newer than what is there, and move; or raise `Fenced`."""
        keys = [self._key("counts"), self._key("positions"), self._key("tenants")]
        arguments: list[_Argument] = [*_step(move), self._active_since(now)]
        for view in views:
            keys += self._keys_to_save(view)
            arguments += self._values(view, now)
        with self._writing():
            if not await self._save(keys, arguments):
                raise Fenced(f"views: {move}: the stored position is another one, or none")

    async def position(self, topic: str, partition: int) -> int | None:
        """The stored position; None if there is none or the store was emptied."""
        with self._writing():
            stored = await self._client.hget(self._key("positions"), f"{topic}/{partition}")
        return None if stored is None else int(stored)

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def _keys_to_load(self, chats: Sequence[Chat]) -> list[str]:
        named = (self._key(kind, *chat) for chat in chats for kind in ("chat", "person"))
        return [self._key("counts"), *named]

    def _keys_to_save(self, view: ActiveChat) -> tuple[str, ...]:
        chat = (view.tenant, view.chat_id)
        active = self._key("active", view.tenant)
        return (self._key("chat", *chat), self._key("person", *chat), active)

    def _values(self, view: ActiveChat, now: datetime) -> tuple[_Argument, ...]:
        shown = codec.dumps(view) if is_active(view, self._lifetime, now) else b""
        until = int((view.last_activity + self._lifetime).timestamp() * 1000)
        activity = view.last_activity.timestamp()
        stays = codec.dumps(kept(view))
        return (view.seq, stays, shown, until, activity, view.chat_id, view.tenant)

    def _shown(self, view: ActiveChat) -> ActiveChat | None:
        return view if is_active(view, self._lifetime, self._clock()) else None

    def _active_since(self, now: datetime) -> float:
        return (now - self._lifetime).timestamp()

    async def _report_errors(self) -> None:
        """Count what could not be counted while the store was away."""
        if self._errors:
            await self._client.hincrby(self._key("counts"), "errors", self._errors)
            self._errors = 0

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError, TimeoutError) as error:
            self._errors += 1
            raise ViewsUnavailable(f"{type(error).__name__}: {error}") from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError, TimeoutError) as error:
            self._errors += 1
            raise SinkUnavailable(f"{type(error).__name__}: {error}") from error


def _step(move: Move | None) -> tuple[str, str | int, str | int]:
    if move is None:
        return ("", "", "")
    return (f"{move.topic}/{move.partition}", "" if move.begin is None else move.begin, move.end)


def _read(chat: Chat, view: bytes, person: bytes) -> ActiveChat | None:
    if view:
        return read_view(view)
    return resting(chat, read_kept(person)) if person else None
