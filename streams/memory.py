"""What a decider knows of one partition: the store, the chats in use, and who waits for what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from streams import parking, waiting
from streams.alarms import Alarms, Due
from streams.batch import POSITION, Batch
from streams.decide import snapshot
from streams.decide.state import ChatState
from streams.restore import Offsets
from streams.state import Changes, ChatStore

CHAT_ID_LENGTH: Final = 36


class PartitionMemory:
    """Never ahead of what was committed; `offsets` are how far the changelogs are in it."""

    def __init__(self, store: ChatStore, offsets: Offsets, cached_chats: int) -> None:
        self.alarms = Alarms()
        self.parked: dict[bytes, bytes] = {}
        self.waiting: dict[str, dict[bytes, bytes]] = {}
        self.resting: dict[str, dict[str, Due]] = {}
        self._store = store
        self._offsets = offsets
        self._cached_chats = cached_chats
        self._chats: dict[str, ChatState] = {}
        for key, value in store.items(b""):
            self._remember(key, value)

    @property
    def position(self) -> int | None:
        """The inbox offset to decide next; None if nothing was ever decided."""
        raw = self._store.get(POSITION)
        return None if raw is None else int(raw)

    def chat(self, chat_id: str) -> ChatState | None:
        """The chat's committed state."""
        state = self._chats.get(chat_id)
        if state is None and (raw := self._store.get(chat_id.encode())) is not None:
            state = snapshot.decode(raw)
        return state

    def seen_at(self, ids: Sequence[bytes]) -> list[datetime | None]:
        """When each id was decided, None for new ones."""
        return self._store.seen_at(ids) if ids else []

    def keep(self, batch: Batch, changes: Changes, offsets: Offsets) -> None:
        """Take over what was committed."""
        self._store.apply(changes)
        self._offsets = offsets
        self._chats |= batch.states
        for chat_id, due in batch.dues.items():
            self.alarms.set(chat_id, due)
        for key, value in batch.parked.items():
            self._park(key, value)
        self._forget()

    @property
    def offsets(self) -> Offsets:
        """How far the changelogs are in the store (values, seen)."""
        return self._offsets

    def close(self, *, clean: bool) -> None:
        """Close the store; a clean one is used again, any other starts from the changelogs."""
        if clean:
            self._store.close(self._offsets)
        else:
            self._store.abandon()

    def _remember(self, key: bytes, value: bytes) -> None:
        if key.startswith((parking.PREFIX, waiting.PREFIX)):
            self._park(key, value)
        elif len(key) == CHAT_ID_LENGTH and (due := snapshot.due_of(value)) is not None:
            self.alarms.set(key.decode(), due)

    def rest(self, tenant: str, chat_id: str, due: Due) -> None:
        """Leave a chat alone until `wake`: nobody can decide what it wants to be woken for."""
        self.resting.setdefault(tenant, {})[chat_id] = due

    def wake(self, tenant: str) -> None:
        """Have the tenant's chats be woken as they wanted to be."""
        for chat_id, due in self.resting.pop(tenant, {}).items():
            self.alarms.set(chat_id, due)

    def _park(self, key: bytes, value: bytes | None) -> None:
        kept = self.parked
        if key.startswith(waiting.PREFIX):
            kept = self.waiting.setdefault(waiting.tenant_of(key), {})
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = value

    def _forget(self) -> None:
        surplus = len(self._chats) - self._cached_chats
        if surplus > 0:
            for chat_id in list(self._chats)[: surplus + self._cached_chats // 10]:
                del self._chats[chat_id]
