"""The views in memory, one fact after another: what `verify` holds the real ones to.

It shares `evolve`, and nothing of how batches are folded, remembered and stored.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from projections.active_chat import ActiveChat
from projections.view_store import Chat
from projections.views import evolve
from schemas.envelope import Recorded
from schemas.facts import Fact


class NaiveViews:
    """The views of the chats that count; `then`, as they were at the number of `at`.

    `sees` says which facts count.
    """

    def __init__(
        self,
        lifetime: timedelta,
        sees: Callable[[Recorded[Fact]], bool],
        at: Mapping[Chat, int] | None = None,
    ) -> None:
        self._lifetime = lifetime
        self._sees = sees
        self._at = at or {}
        self.views: dict[Chat, ActiveChat] = {}
        self.then: dict[Chat, ActiveChat] = {}

    def fold(self, recorded: Recorded[Fact]) -> None:
        """What one fact does."""
        if not self._sees(recorded):
            return
        chat = (recorded.tenant, recorded.chat_id)
        view = evolve(self.views.get(chat), recorded, self._lifetime)
        if view is not None:
            self.views[chat] = view
            if view.seq == self._at.get(chat):
                self.then[chat] = view
