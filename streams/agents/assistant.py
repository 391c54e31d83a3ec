"""The assistant agent: finds the answers that handlers ask for before they reply.

To ask twice is harmless: the answer's id is that of the question, and the decider takes the
first.
"""

import asyncio
import logging
from dataclasses import dataclass
from time import perf_counter
from typing import Final, assert_never

from schemas import envelope, identity
from schemas.content import Json
from schemas.envelope import Recorded
from schemas.inputs import AnswerReported
from schemas.topics import Groups, Topics
from schemas.work import AnswerQuestion, Order, Question
from streams.agents import metrics
from streams.apps import Consumption
from streams.patience import until_available
from streams.ports import Clock, Leaving, ResultLog, ViewStats
from streams.roles import AgentRole

logger = logging.getLogger(__name__)

SOURCE: Final = "/chatfold/agent/reply"
APPEND_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 5.0
LONGEST_ERROR: Final = 300


def build(
    assistant: "Assistant",
    *,
    bootstrap: str,
    topics: Topics,
    groups: Groups,
    instance: str | None = None,
) -> AgentRole:
    """The role that answers questions, as the group's member `instance`."""
    consumption = Consumption(
        name="reply",
        bootstrap=bootstrap,
        topic=topics.work_reply,
        group=groups.reply,
        dead_letters=topics.dead_letters,
        instance=instance,
    )
    return AgentRole(
        taken=consumption,
        agent=assistant.handle,
        log=assistant.log,
        now=assistant.now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistant:
    """Handles the orders of `work.reply`; `inbox` is the topic of its answers."""

    views: ViewStats
    log: ResultLog
    inbox: str
    now: Clock

    async def handle(self, order: Recorded[Order], leaving: Leaving) -> None:
        """Return when the answer is in the log; raises `Left`."""
        asked = order.data
        if not isinstance(asked, AnswerQuestion):
            raise TypeError(f"{asked.type} is not for the assistant agent")
        record = envelope.encode(self._recorded(order, await self._answer(asked)))
        await until_available(
            lambda: self.log.append(self.inbox, [record], APPEND_SECONDS), leaving
        )

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

    def _recorded(self, order: Recorded[Order], answer: AnswerReported) -> Recorded[AnswerReported]:
        return Recorded(
            id=identity.answer_id(answer.question_id),
            time=self.now(),
            source=SOURCE,
            tenant=order.tenant,
            chat_id=order.chat_id,
            causation_id=order.id,
            correlation_id=order.correlation_id,
            data=answer,
            traceparent=order.traceparent,
        )
