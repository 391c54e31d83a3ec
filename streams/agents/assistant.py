"""The assistant agent: finds what replies need, the answer to a question or of a model.

To look for an answer to a question twice is harmless: the answer's id is that of the question,
and the decider takes the first. Models are asked as `thinking` says.
"""

import asyncio
import logging
from dataclasses import dataclass
from time import perf_counter
from typing import Final, assert_never

from schemas import identity
from schemas.content import Json
from schemas.envelope import Recorded
from schemas.inputs import AnswerReported
from schemas.topics import Groups, Topics
from schemas.work import (
    AnswerQuestion,
    AskModel,
    GenerateAnswer,
    Order,
    Question,
    SummariseConversation,
)
from streams.agents import metrics
from streams.agents.seats import Seats
from streams.agents.thinking import Thinker, World, telling
from streams.agents.unread import UnreadJobs, UnreadThoughts
from streams.apps import Consumption
from streams.ports import Leaving, ViewStats
from streams.roles import AgentRole
from streams.window import HELD

__all__ = ["Assistant", "World", "build"]

logger = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 5.0
LONGEST_ERROR: Final = 300


def build(
    world: World,
    views: ViewStats,
    *,
    bootstrap: str,
    topics: Topics,
    groups: Groups,
    instance: str | None = None,
) -> AgentRole:
    """The role that finds answers, as the group's member `instance`."""
    consumption = Consumption(
        name="reply",
        bootstrap=bootstrap,
        topic=topics.work_reply,
        group=groups.reply,
        dead_letters=topics.dead_letters,
        instance=instance,
        limit=HELD,  # all may wait for a seat at once; `Seats` bounds those that are asked
    )
    agent = Assistant(world, views).handle
    unread = UnreadThoughts(UnreadJobs(telling(world), world.ledger))
    return AgentRole(taken=consumption, agent=agent, log=world.log, now=world.now, unread=unread)


class Assistant:
    """Handles the orders of `work.reply`."""

    def __init__(self, world: World, views: ViewStats, seats: Seats | None = None) -> None:
        self._questions = Questions(world, views)
        self._thinker = Thinker(world, seats)

    async def handle(self, order: Recorded[Order], leaving: Leaving) -> None:
        """Return when what was found is in the log; raises `Left`."""
        match order.data:
            case AnswerQuestion() as asked:
                await self._questions.handle(order, asked, leaving)
            case GenerateAnswer() | SummariseConversation() | AskModel() as asked:
                await self._thinker.handle(order, asked, leaving)
            case other:
                raise TypeError(f"{other.type} is not for the assistant agent")


@dataclass(frozen=True, slots=True)
class Questions:
    """Answers questions about ourselves."""

    world: World
    views: ViewStats

    async def handle(self, order: Recorded[Order], asked: AnswerQuestion, leaving: Leaving) -> None:
        """Return when the answer is in the log; raises `Left`."""
        answer = await self._answer(asked)
        own_id = identity.answer_id(answer.question_id)
        await telling(self.world).tell(order, own_id, answer, leaving)

    async def _answer(self, asked: AnswerQuestion) -> AnswerReported:
        began = perf_counter()
        answer, error = await self._found(asked)
        metrics.ANSWER_SECONDS.labels(asked.question).observe(perf_counter() - began)
        metrics.ANSWERS.labels(asked.question, "error" if error else "answer").inc()
        return AnswerReported(question_id=asked.question_id, answer=answer, error=error)

    async def _found(self, asked: AnswerQuestion) -> tuple[Json, str | None]:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._ask(asked.question), None
        except Exception as error:  # whatever it is, the handler must hear of it
            logger.exception("question %s found no answer", asked.question_id)
            return {}, f"{type(error).__name__}: {error}"[:LONGEST_ERROR]

    async def _ask(self, question: Question) -> Json:
        match question:
            case Question.VIEW_STATS:
                return await self.views.view_stats()
            case _:
                assert_never(question)
