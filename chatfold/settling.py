"""Inputs and orders among the dead letters, sent on their way again or let go for good.

What was done stands in the dead-letter topic, and who did it. The record is appended before that:
who is interrupted between does it again, and it is known there by its id.
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chatfold import clock, failpoints
from chatfold.eventlog import AppendFailed, EventLog
from chatfold.letters import Kind, Letter, Name
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from schemas import envelope, identity
from schemas.dead_letters import LetterSettled, Settlement, replayed
from schemas.envelope import Record, Recorded
from schemas.topics import Topics

LOG: Final = logging.getLogger(__name__)

SOURCE: Final = "/chatfold/cli"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """Settles letters in somebody's name; raises `Refusal`."""

    log: EventLog
    topics: Topics
    by: str
    append_seconds: float
    now: Callable[[], datetime]
    reach: Callable[[str], None]

    async def replay(self, letter: Letter) -> str:
        """Append the record where it came from, and note it; returns that topic."""
        topic = self.way_back(letter)
        assert letter.record is not None  # what has a way back was read
        await self._append(topic, replayed(letter.record, letter.origin))
        self.reach("letters.before_note")
        await self.note((letter.origin, None), letter.chat_id, Settlement.REPLAYED)
        return topic

    def way_back(self, letter: Letter) -> str:
        """The topic that it came from; raises `Refusal` if it must not go there again."""
        if letter.kind(self.topics) not in {Kind.INPUT, Kind.ORDER}:
            raise Refusal(f"{letter.origin} came from no topic of this deployment.")
        if letter.reported is not None:
            raise Refusal(_elsewhere(letter.origin, letter.reported))
        return letter.topic

    async def note(self, name: Name, chat_id: str, did: Settlement) -> None:
        """Let everybody know what was done."""
        origin, projection = name
        now = self.now()
        told = LetterSettled(origin=origin, did=did, by=self.by, at=now, projection=projection)
        own_id = identity.derive("settled", origin, projection or "", did, now.isoformat())
        recorded = Recorded(
            id=own_id,
            time=now,
            source=SOURCE,
            tenant="",
            chat_id=chat_id,
            causation_id=origin,
            correlation_id=origin,
            data=told,
        )
        await self._append(self.topics.dead_letters, envelope.encode(recorded))
        LOG.info("%s %s dead letter %s", self.by, did, origin, extra={"chat_id": chat_id})

    async def _append(self, topic: str, record: Record) -> None:
        try:
            await self.log.append(topic, [record], self.append_seconds)
        except AppendFailed as error:
            raise Refusal(f"nothing is certain to be written, try again: {error}") from None


def _elsewhere(origin: str, reported: str) -> str:
    kind, name, _ = reported.split("/")
    again = {
        "reply": f"`chatfold deliveries retry {name}` tries again",
        "job": f"`chatfold jobs retry {name}` tries again, if it is about a file",
    }
    way = again.get(kind, "the chat has gone on without")
    return f"{origin} was reported as failed and comes to nothing any more: {way}."


@asynccontextmanager
async def settling(settings: Settings, by: str) -> AsyncIterator[Settling]:
    """For as long as a command runs."""
    log = EventLog(settings.bootstrap, max_pending_bytes=settings.max_pending_bytes)
    await log.start()
    try:
        yield Settling(
            log=log,
            topics=Topics(settings.topic_prefix),
            by=by,
            append_seconds=settings.append_timeout_seconds,
            now=clock.now,
            reach=failpoints.from_environment(),
        )
    finally:
        await log.stop()


def chosen(
    letters: Sequence[Letter], origins: Sequence[str], everything: Kind | None, topics: Topics
) -> list[Letter]:
    """The open inputs and orders that are named, and all of the kind `everything` that can go."""
    known = [(one, one.kind(topics)) for one in letters if one.is_open]
    return [
        letter
        for letter, kind in known
        if kind in {Kind.INPUT, Kind.ORDER}
        and (letter.origin in origins or (kind is everything and letter.reported is None))
    ]
