"""Where operators act: what they want done becomes inputs in the inbox, before they are told so."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from chatfold.clock import Clock
from chatfold.operations.asking import Action, Asked, Asker, recorded
from chatfold.operations.lists import Lists, Page, Unknown
from chatfold.operations.retryable import NotRetryable, job_refusal, reply_refusal
from chatfold.operations.words import ABOUT_FILES, JobStatus
from projections.queries import Found, Wanted, WantedJobs
from schemas import envelope, identity
from schemas.content import Content
from schemas.envelope import Record, Recorded
from schemas.inputs import (
    AutoResume,
    CloseConversation,
    PauseChat,
    ResumeChat,
    RetryDelivery,
    RetryJob,
    SendByHand,
)

LOG: Final = logging.getLogger(__name__)

BATCH: Final = 500
AWAITED: Final = ("retry", "operator")


class Inbox(Protocol):
    """The log as it is appended to."""

    async def append(self, topic: str, records: Sequence[Record], timeout: float) -> None:
        """Return once all are acknowledged; raises `AppendFailed`."""


Pages = Callable[[str | None, int], Awaitable[Page]]
"""Gives the page behind a cursor, of so many rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Deliveries or jobs that were found, and asked for again unless it was only a trial.

    `unconfirmed` is how many of the deliveries may have arrived already.
    """

    found: int
    unconfirmed: int
    next_cursor: str | None


class Desk:
    """What operators can see and do; nothing here writes a table."""

    def __init__(
        self, *, lists: Lists, log: Inbox, topic: str, append_seconds: float, now: Clock
    ) -> None:
        self.lists = lists
        self._log = log
        self._topic = topic
        self._append_seconds = append_seconds
        self._now = now

    async def retry(self, reply_id: str, asker: Asker) -> Asked | Unknown | NotRetryable:
        """Ask for one more attempt, now, of a delivery that waits for one or for an operator."""
        row = await self.lists.delivery(reply_id)
        if isinstance(row, Unknown):
            return row
        if refusal := reply_refusal(row):
            return refusal
        asked = await self._one(self._retry(row, asker))
        return replace(asked, reply_id=str(row["reply_id"]))

    async def retry_matching(
        self, wanted: Wanted, asker: Asker, *, cursor: str | None, limit: int, dry_run: bool
    ) -> AsyncIterator[Batch]:
        """Ask for one more attempt of up to `limit` deliveries that wait; tells of each batch.

        A batch that was told of is in the log for good. Raises `BadCursor`.
        """
        wanted = replace(wanted, waiting_for=wanted.waiting_for or AWAITED)

        async def page(cursor: str | None, size: int) -> Page:
            return await self.lists.deliveries(wanted, cursor=cursor, limit=size)

        async for found in _paged(page, cursor=cursor, limit=limit):
            if not dry_run:
                await self._append([self._retry(row, asker) for row in found.rows])
            yield _batch(found)

    async def retry_job(self, job_id: str, asker: Asker) -> Asked | Unknown | NotRetryable:
        """Ask for one more attempt, now, of a job about a file that has failed or waits."""
        row = await self.lists.job(job_id)
        if isinstance(row, Unknown):
            return row
        if refusal := job_refusal(row):
            return refusal
        asked = await self._one(self._retry_job(row, asker))
        return replace(asked, job_id=str(row["job_id"]))

    async def retry_jobs(
        self, wanted: WantedJobs, asker: Asker, *, cursor: str | None, limit: int, dry_run: bool
    ) -> AsyncIterator[Batch]:
        """Ask the same for up to `limit` jobs about files that have failed for good."""
        kinds = wanted.kinds or ABOUT_FILES
        wanted = replace(wanted, kinds=kinds, statuses=(JobStatus.FAILED,))

        async def page(cursor: str | None, size: int) -> Page:
            return await self.lists.jobs(wanted, cursor=cursor, limit=size)

        async for found in _paged(page, cursor=cursor, limit=limit):
            if not dry_run:
                await self._append([self._retry_job(row, asker) for row in found.rows])
            yield _batch(found)

    async def send(
        self, chat_id: str, content: Content, asker: Asker, *, reply_to: str | None = None
    ) -> Asked | Unknown:
        """Ask for a message to be sent; `reply_to` is a platform message id."""
        action = SendByHand(content=content, by=asker.by, reply_to=reply_to)
        asked = await self._ask(chat_id, action, asker)
        if isinstance(asked, Unknown):
            return asked
        return replace(asked, reply_id=identity.reply_id(asked.input_id, 0))

    async def pause(self, chat_id: str, asker: Asker) -> Asked | Unknown:
        """Ask for the chat to be recorded and not answered."""
        return await self._ask(chat_id, PauseChat(by=asker.by), asker)

    async def resume(self, chat_id: str, asker: Asker) -> Asked | Unknown:
        """Ask for the chat to be answered again."""
        return await self._ask(chat_id, ResumeChat(by=asker.by), asker)

    async def close(self, chat_id: str, asker: Asker) -> Asked | Unknown:
        """Ask for the chat's open conversation to be closed."""
        return await self._ask(chat_id, CloseConversation(by=asker.by), asker)

    async def auto_resume(self, asker: Asker, *, limit: int) -> AsyncIterator[int]:
        """Have up to `limit` paused chats looked at; tells how many of each batch."""
        after: tuple[str, str] | None = None
        while limit > 0:
            size = min(BATCH, limit)
            rows = await self.lists.paused(after=after, limit=size)
            action = AutoResume(by=asker.by)
            await self._append([self._recorded(action, row, asker) for row in rows])
            yield len(rows)
            if len(rows) < size:
                return
            limit -= size
            after = str(rows[-1]["tenant_id"]), str(rows[-1]["chat_id"])

    async def _ask(self, chat_id: str, action: Action, asker: Asker) -> Asked | Unknown:
        chat = await self.lists.person(chat_id)
        if isinstance(chat, Unknown):
            return chat
        return await self._one(self._recorded(action, chat, asker))

    async def _one(self, wanted: Recorded[Action]) -> Asked:
        await self._append([wanted])
        return Asked(input_id=wanted.id, chat_id=wanted.chat_id)

    def _retry(self, delivery: Found, asker: Asker) -> Recorded[Action]:
        action = RetryDelivery(reply_id=str(delivery["reply_id"]), by=asker.by)
        return self._recorded(action, delivery, asker)

    def _retry_job(self, job: Found, asker: Asker) -> Recorded[Action]:
        return self._recorded(RetryJob(job_id=str(job["job_id"]), by=asker.by), job, asker)

    def _recorded(self, action: Action, chat: Found, asker: Asker) -> Recorded[Action]:
        tenant, chat_id = str(chat["tenant_id"]), str(chat["chat_id"])
        return recorded(action, asker, tenant=tenant, chat_id=chat_id, now=self._now())

    async def _append(self, inputs: Sequence[Recorded[Action]]) -> None:
        records = [envelope.encode(one) for one in inputs]
        await self._log.append(self._topic, records, self._append_seconds)
        for one in inputs:
            LOG.info(
                "%s asked for %s",
                one.data.by,
                type(one.data).__name__,
                extra={"event_id": one.id, "chat_id": one.chat_id, "tenant": one.tenant},
            )


async def _paged(page: Pages, *, cursor: str | None, limit: int) -> AsyncIterator[Page]:
    """Pages of up to `limit` rows together, each asked for when the one before is dealt with."""
    while limit > 0:
        size = min(BATCH, limit)
        found = await page(cursor, size)
        yield found
        cursor, limit = found.next_cursor, limit - size
        if cursor is None:
            return


def _batch(found: Page) -> Batch:
    return Batch(
        found=len(found.rows),
        unconfirmed=sum(row["status"] == "saved_only" for row in found.rows),
        next_cursor=found.next_cursor,
    )
