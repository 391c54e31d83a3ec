"""What operators look at: pages of deliveries, jobs and chats, and words in messages."""

from dataclasses import dataclass
from typing import Final

from chatfold.operations import cursors
from chatfold.operations.tables import Tables
from projections import queries
from projections.queries import Found, Sought, Wanted, WantedJobs

SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Unknown:
    """The tables know nothing of that id, or not yet."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows, and the cursor of the next page if there may be more."""

    rows: list[Found]
    next_cursor: str | None


class Lists:
    """What the tables tell; raises `TablesAway`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def deliveries(self, wanted: Wanted, *, cursor: str | None, limit: int) -> Page:
        """A page of deliveries, the latest first; raises `BadCursor`."""
        before = cursors.place(cursor)
        async with self._tables() as connection:
            rows = await queries.deliveries(connection, wanted, before=before, limit=limit)
        following = cursors.cursor(rows, limit, time="created_at", name="reply_id")
        return Page(rows=rows, next_cursor=following)

    async def delivery(self, reply_id: str) -> Found | Unknown:
        """One delivery with its attempts."""
        async with self._tables() as connection:
            return await queries.delivery(connection, reply_id) or Unknown("delivery")

    async def jobs(self, wanted: WantedJobs, *, cursor: str | None, limit: int) -> Page:
        """A page of jobs, the latest first; raises `BadCursor`."""
        before = cursors.place(cursor)
        async with self._tables() as connection:
            rows = await queries.jobs(connection, wanted, before=before, limit=limit)
        following = cursors.cursor(rows, limit, time="created_at", name="job_id")
        return Page(rows=rows, next_cursor=following)

    async def job(self, job_id: str) -> Found | Unknown:
        """One job with its attempts."""
        async with self._tables() as connection:
            return await queries.job(connection, job_id) or Unknown("job")

    async def file(self, message_id: str) -> Found | Unknown:
        """What is kept of a message's file."""
        async with self._tables() as connection:
            return await queries.file(connection, message_id) or Unknown("file of message")

    async def search(self, sought: Sought, *, limit: int) -> list[Found]:
        """Messages that hold the words, the best first."""
        async with self._tables() as connection:
            return await queries.search(connection, sought, limit=limit)

    async def chats(
        self, *, tenant: str | None, paused: bool | None, cursor: str | None, limit: int
    ) -> Page:
        """A page of chats, the one with the latest activity first; raises `BadCursor`."""
        before = cursors.place(cursor)
        async with self._tables() as connection:
            rows = await queries.page_of_chats(
                connection, tenant=tenant, paused=paused, before=before, limit=limit
            )
        following = cursors.cursor(rows, limit, time="last_activity_at", name="chat_id")
        return Page(rows=rows, next_cursor=following)

    async def chat(self, chat_id: str, *, messages: int = SHOWN) -> Found | Unknown:
        """One chat with its conversations and its last messages."""
        async with self._tables() as connection:
            chat = await queries.chat(connection, chat_id)
            if chat is None:
                return Unknown("chat")
            here = str(chat["chat_id"])
            return chat | {
                "conversations": await queries.conversations(connection, here, limit=messages),
                "messages": await queries.messages(connection, here, limit=messages),
            }

    async def person(self, chat_id: str) -> Found | Unknown:
        """Who a chat is with."""
        async with self._tables() as connection:
            return await queries.chat(connection, chat_id) or Unknown("chat")

    async def paused(self, *, after: tuple[str, str] | None, limit: int) -> list[Found]:
        """Tenants and ids of paused chats behind the pair `after`."""
        async with self._tables() as connection:
            return await queries.paused_chats(connection, after=after, limit=limit)
