"""In whatever order, and however often, it is told how a reply fared: its row ends the same."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas import identity
from schemas.content import Origin, SendOutcome, Status
from schemas.envelope import Recorded
from schemas.inputs import Input, SendReported, WebhookReceived
from schemas.work import SendMessage
from streams.decide.delivery import reference
from tests.support import facts, webhooks
from tests.support import plain_provider as plain
from tests.support.inbox import Inbox
from tests.support.merged import Memory
from tests.support.plain_provider import plain_provider
from tests.support.story import CHAT, policy

__all__ = ["plain_provider"]

pytestmark = pytest.mark.usefixtures("plain_provider")

NAME = "wamid.out"
TOLD = (Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED)
RANKED = ("saved_only", "sent", "failed", "delivered", "read")
"""The later beats the earlier, whichever came first."""

Happening = str
REPORTS = ("sent", "nameless", "lost")
SEEDS = st.integers(0, 2**32)


class Chat:
    """A chat that is decided batch by batch, as from the log, and folded into tables."""

    def __init__(self, random: Random, *, real: bool, referred: bool) -> None:
        self.random = random
        self.real = real
        self.referred = referred
        self.inbox = Inbox(policy=policy(retries=(timedelta(minutes=1),)))
        self.hears(self.message("Hello", "wamid.1"))
        self.order = self.last_order()

    def refused_before(self) -> None:
        """The first attempt was refused, and the second is under way."""
        ended = self.report(self.order, SendOutcome.FAILED, error_code="throttled", retryable=True)
        self.hears(ended)
        self.hears(self.message("Again", "wamid.2", after=timedelta(minutes=2)))
        self.order = self.last_order()
        assert self.order.attempt == 2

    def hears(self, *inputs: Recorded[Input]) -> None:
        """Decide these, in batches; some come to nothing and are decided again."""
        for one in inputs:
            self.inbox.append(one)
        while self.inbox.position < len(self.inbox.log):
            self.inbox.decide(self.random.randint(1, 4), crash=self.random.random() < 0.2)

    def happens(self, what: Happening) -> Recorded[Input]:
        """The input that tells of it; told again, it is the same."""
        match what:
            case "sent":
                return self.report(self.order, SendOutcome.SENT, platform_message_id=NAME)
            case "nameless":
                return self.report(self.order, SendOutcome.SENT)
            case "lost":
                return self.report(self.order, SendOutcome.SAVED_ONLY, error_code="timeout")
            case "message":
                return self.message("Hello", "wamid.1")
            case "another message":
                return self.message("Are you there?", "wamid.3")
            case "echo":
                words = self.order.content.text or ""
                return self.item(plain.echo(words, NAME, user=webhooks.USER), "echo")
            case _:
                return self.status(Status(what.removeprefix("status ")))

    def status(self, word: Status) -> Recorded[Input]:
        named = reference(self.order.reply_id, self.order.attempt) if self.referred else None
        if not self.real:
            return self.item(plain.status(word, NAME, named), f"status.{word}")
        told = webhooks.status(word, wamid=NAME, reference=named)
        [recorded] = webhooks.inputs(webhooks.body(statuses=[told]))
        return recorded

    def message(
        self, words: str, wamid: str, *, after: timedelta = timedelta(0)
    ) -> Recorded[Input]:
        told = webhooks.body(webhooks.text(words, wamid=wamid))
        [recorded] = webhooks.inputs(told, at=webhooks.T0 + after)
        return recorded

    def item(self, told: Any, name: str) -> Recorded[Input]:
        data = plain.item(told, account=webhooks.PHONE_ID, user=webhooks.USER)
        return self.recorded(identity.derive(name, NAME), data)

    def report(self, of: SendMessage, outcome: SendOutcome, **more: object) -> Recorded[Input]:
        ended = SendReported(
            reply_id=of.reply_id,
            attempt=of.attempt,
            outcome=outcome,
            started_at=webhooks.T0,
            finished_at=webhooks.T0,
            **more,
        )
        report_id = identity.report_id(reply_id=of.reply_id, attempt=of.attempt)
        return self.recorded(report_id, ended)

    def recorded(self, input_id: str, data: WebhookReceived | SendReported) -> Recorded[Input]:
        return Recorded(
            id=input_id,
            time=webhooks.T0,
            source="/test",
            tenant=webhooks.TENANT,
            chat_id=CHAT,
            causation_id=input_id,
            correlation_id=input_id,
            data=data,
        )

    def last_order(self) -> SendMessage:
        *_, last = (one.data for one in self.inbox.orders if isinstance(one.data, SendMessage))
        return last

    def row(self) -> dict[str, Any]:
        """The reply's row as the projector folds it, from batches and from parts read again."""
        log, memory = self.inbox.facts, Memory()
        for batch in facts.splits(log, self.random):
            memory.take(batch)
        memory.take(log[self.random.randint(0, len(log)) :])
        row = memory.rows["messages"][(self.order.reply_id,)]
        assert [one.sequence for one in log] == list(range(1, len(log) + 1))
        return {name: value for name, value in row.items() if name not in {"last_seq", "standing"}}


@st.composite
def tellings(draw: st.DrawFn) -> tuple[set[Happening], list[Happening]]:
    """What is told, and an order in which each is told at least once."""
    others = ["message", "another message", "echo", *(f"status {word}" for word in TOLD)]
    whole = {draw(st.sampled_from(REPORTS)), *draw(st.sets(st.sampled_from(others)))}
    ones = sorted(whole)
    more = draw(st.lists(st.sampled_from(ones), max_size=6))
    return whole, draw(st.permutations([*ones, *more]))


def told(
    happenings: Sequence[Happening],
    random: Random,
    *,
    real: bool,
    referred: bool,
    again: bool,
    forgotten: bool = False,
) -> dict[str, Any]:
    """The row; with `forgotten` nobody knows any more that the same was told before."""
    chat = Chat(random, real=real, referred=referred)
    if again:
        chat.refused_before()
    inputs = [chat.happens(what) for what in happenings]
    if forgotten:
        inputs = [
            one if "message" in what else replace(one, id=f"{one.id} {number}")
            for number, (what, one) in enumerate(zip(happenings, inputs, strict=True))
        ]
    chat.hears(*inputs)
    return chat.row()


def is_named(whole: set[Happening], *, referred: bool) -> bool:
    """Whether anything tells the name under which the provider knows our reply."""
    by_status = referred and any(what.startswith("status ") for what in whole)
    return by_status or bool(whole & {"sent", "echo"})


def status_of(whole: set[Happening], *, referred: bool) -> str:
    """The latest stage that was told of, as far as anything tells that our reply is meant."""
    stages = {"saved_only" if "lost" in whole else "sent"}
    if is_named(whole, referred=referred):
        stages.add("sent")
        stages |= {what.removeprefix("status ") for what in whole if what.startswith("status ")}
    return max(stages, key=RANKED.index)


@given(tellings(), SEEDS, st.booleans(), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_a_replys_row_ends_the_same_in_whatever_order_and_however_often_it_is_told(
    telling: tuple[set[Happening], list[Happening]],
    seed: int,
    real: bool,
    referred: bool,
    again: bool,
    forgotten: bool,
) -> None:
    whole, order = telling
    how = {"real": real, "referred": referred, "again": again}
    row = told(order, Random(seed), forgotten=forgotten, **how)
    assert row == told(sorted(whole), Random(seed), **how)
    assert row["origin"] == Origin.BOT
    assert (row["delivery_status"], row["delivery_attempt"]) == (
        status_of(whole, referred=referred),
        1 + again,
    )
    named = NAME if is_named(whole, referred=referred) else None
    assert row.get("platform_message_id") == named
