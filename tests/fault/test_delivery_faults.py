"""A provider that fails in every way, and agents that die: each reply arrives, and only once."""

import asyncio
import os
import random
import signal
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from chatfold.sandbox import Fault, Match
from chatfold.settings import Settings
from schemas.facts import (
    ConfirmationTimedOut,
    DeliveryAbandoned,
    MessageSendConfirmed,
    MessageSendFailed,
    MessageSendUnconfirmed,
    RetryScheduled,
)
from tests.support import agents, delivering, roles, servers
from tests.support.delivering import Replies, Stage, Talk, staged

RUNS = int(os.environ.get("CHATFOLD_FAULT_RUNS", "1"))
"""Kills at each point."""

STRUCK_CHATS = max(2, RUNS)
"""Chats that each fault befalls, of each kind of tenant: the provider tells of every second."""

HOLDS, RESENDS = "holds", "resends"
NUMBERS = (1, 2, 3)
STRUCK = 2
"""Of the three replies of a chat, the one in the middle meets the fault."""

pytestmark = pytest.mark.timeout(180 + 20 * RUNS)

RETRY_AFTER = 4
HTTP_SECONDS = "5"
SLOW_SECONDS = 7
"""So that the provider takes the message after we have stopped waiting for its answer."""
CONFIRMATION_MINUTES = 0.1 + STRUCK_CHATS / 100
"""The more chats at once, the later is heard of what the provider told of each."""

RETRIED = {
    "429": Fault(fault="429", times=2),
    "429 with Retry-After": Fault(fault="429", retry_after=RETRY_AFTER),
    "500": Fault(fault="500", times=2),
    "503": Fault(fault="503", times=2),
}
LASTING = {"401": Fault(fault="401")}
TAKEN = {
    "slow": Fault(fault="slow", delay=SLOW_SECONDS),
    "lost answer": Fault(fault="lost_answer"),
    "malformed answer": Fault(fault="malformed"),
}
CUT = {
    "cut before it was read": Fault(fault="cut_before_read"),
    "cut after it was read": Fault(fault="cut_after_read"),
}
FAULTS = RETRIED | LASTING | TAKEN | CUT
UNKNOWN = TAKEN | CUT


@dataclass
class Played:
    """What was seen: when all had come to rest, and after an operator had looked."""

    stage: Stage
    cast: dict[tuple[str, str, int], Talk]
    before: Replies
    taken_before: dict[str, list[int]]
    after: Replies

    def of(self, fault: str, tenant: str | None = None, *, told: bool | None = None) -> list[Talk]:
        """The chats that a fault befell."""
        return [
            talk
            for (whose, which, run), talk in self.cast.items()
            if which == fault
            and tenant in {None, whose}
            and (told is None or told is is_told(talk.person))
        ]


def is_told(person: str) -> bool:
    """Whether the provider tells of this person's messages: of every second."""
    return int(person) % 2 == 0


@pytest.fixture(scope="module")
def played(servers: Settings, tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("faults")
    return asyncio.run(play(isolated(servers, folder), folder))


def isolated(given: Settings, folder: Path) -> Settings:
    return servers.isolated(given, "delivery faults", folder)


async def play(settings: Settings, folder: Path) -> Played:
    """Every fault befalls chats of a tenant that holds what is unknown, and of one that resends."""
    cast = {
        (tenant, fault, run): Talk(
            tenant, f"{tenant} {fault} {run // 4}", str(4915100000000 + place * 1000 + run)
        )
        for place, (tenant, fault) in enumerate(
            (tenant, fault) for tenant in (HOLDS, RESENDS) for fault in FAULTS
        )
        for run in range(STRUCK_CHATS)
    }
    async with staged(settings, folder) as stage:
        stage.told = is_told
        await stage.know(*tenants(cast))
        for (_, fault, _), talk in cast.items():
            match = Match(to=talk.person, text=f"number {STRUCK}!")
            stage.box.faults.add(FAULTS[fault].model_copy(update={"match": match}))
        with roles.running(stage.decider(), stage.agent(TEST_HTTP_SECONDS=HTTP_SECONDS)):
            await stage.write(cast.values(), NUMBERS)
            before = await stage.settled(len(cast) * len(NUMBERS))
            taken = {talk.person: stage.taken(talk) for talk in cast.values()}
            after = await look(stage, before)
    return Played(stage, cast, before, taken, after)


def tenants(cast) -> list:
    return [
        delivering.tenant(
            name,
            sorted({talk.account for talk in cast.values() if talk.tenant == name}),
            unconfirmed="resend" if name == RESENDS else "hold",
            confirmation_minutes=CONFIRMATION_MINUTES,
        )
        for name in sorted({talk.tenant for talk in cast.values()})
    ]


async def look(stage: Stage, replies: Replies) -> Replies:
    """An operator has what did not arrive sent again; of the rest the provider tells at last."""
    arrived = set(stage.taken_replies())
    await stage.retry(replies, [one for one in replies.waiting() if one not in arrived])
    late = set(replies.waiting()) & arrived
    await stage.tell(
        one
        for one in stage.box.journal.find()
        if one.accepted and str(one.reference).split(":")[0] in late
    )
    found: list[Replies] = []

    async def met() -> bool:
        found[:] = [await stage.replies()]
        return set(found[0].states.values()) == {"sent"}

    await agents.eventually(met, "every reply to be sent", 90)
    return found[0]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_reply_is_taken_once_unless_the_tenant_wants_unknown_ones_again(
    played: Played, fault: str
) -> None:
    for talk in played.of(fault):
        taken = played.stage.taken(talk)
        again = talk.tenant == RESENDS and fault in TAKEN and not is_told(talk.person)
        assert Counter(taken) == {1: 1, 2: 2 if again else 1, 3: 1}, talk


@pytest.mark.parametrize("fault", FAULTS)
def test_the_order_of_a_chat_is_kept_except_for_what_waits_for_an_operator(
    played: Played, fault: str
) -> None:
    for talk in played.of(fault):
        waited = fault in LASTING or (fault in CUT and talk.tenant == HOLDS)
        first = list(dict.fromkeys(played.stage.taken(talk)))
        assert first == ([1, 3, 2] if waited else [1, 2, 3]), talk


@pytest.mark.parametrize("fault", RETRIED)
def test_what_may_succeed_later_arrives_by_itself(played: Played, fault: str) -> None:
    for talk in played.of(fault):
        assert played.taken_before[talk.person] == [1, 2, 3]
        refused = played.before.of(MessageSendFailed, talk.chat_id)
        assert [one.attempt for one in refused] == list(range(1, FAULTS[fault].times + 1))
        assert all(one.retryable for one in refused)
        assert len(played.stage.asked(talk, STRUCK)) == FAULTS[fault].times + 1


@pytest.mark.parametrize("fault", RETRIED)
def test_nothing_is_tried_before_the_schedule_or_the_provider_allows_it(
    played: Played, fault: str
) -> None:
    [some, *_] = tenants(played.cast)
    waits = [wait.total_seconds() for wait in some.retries]
    if FAULTS[fault].retry_after:
        waits = [RETRY_AFTER]
    for talk in played.of(fault):
        times = played.stage.asked(talk, STRUCK)
        gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
        assert all(gap >= wait for gap, wait in zip(gaps, waits, strict=False)), (talk, gaps)
        assert len(played.before.of(RetryScheduled, talk.chat_id)) == len(gaps)


@pytest.mark.parametrize("fault", LASTING)
def test_what_cannot_succeed_waits_for_an_operator_and_holds_nobody_up(
    played: Played, fault: str
) -> None:
    for talk in played.of(fault):
        assert played.taken_before[talk.person] == [1, 3]
        [given_up] = played.before.of(DeliveryAbandoned, talk.chat_id)
        assert given_up.error_code == "unauthenticated"
        assert len(played.stage.asked(talk, STRUCK)) == 2  # once by itself, once by the operator


@pytest.mark.parametrize("tenant", [HOLDS, RESENDS])
@pytest.mark.parametrize("fault", TAKEN)
def test_an_unknown_outcome_that_the_provider_tells_of_is_settled_and_not_sent_again(
    played: Played, fault: str, tenant: str
) -> None:
    told = played.of(fault, tenant, told=True)
    assert told
    for talk in told:
        assert played.taken_before[talk.person] == [1, 2, 3]
        [confirmed] = played.before.of(MessageSendConfirmed, talk.chat_id)
        assert (confirmed.attempt, confirmed.by) == (1, "status")
        assert played.before.of(ConfirmationTimedOut, talk.chat_id) == []


@pytest.mark.parametrize("fault", UNKNOWN)
def test_an_unknown_outcome_of_which_nobody_tells_is_held_and_never_sent_blindly(
    played: Played, fault: str
) -> None:
    told = None if fault in CUT else False
    untold = played.of(fault, HOLDS, told=told)
    assert untold
    for talk in untold:
        [unknown] = played.before.of(MessageSendUnconfirmed, talk.chat_id)
        [held] = played.before.of(ConfirmationTimedOut, talk.chat_id)
        assert (held.reply_id, held.attempt) == (unknown.reply_id, 1)
        assert played.taken_before[talk.person] == ([1, 3] if fault in CUT else [1, 2, 3])


@pytest.mark.parametrize("fault", TAKEN)
def test_what_is_held_as_unknown_is_settled_however_late_the_provider_tells(
    played: Played, fault: str
) -> None:
    for talk in played.of(fault, HOLDS, told=False):
        [confirmed] = played.after.of(MessageSendConfirmed, talk.chat_id)
        assert confirmed.attempt == 1
        assert len(played.stage.asked(talk, STRUCK)) == 1


@pytest.mark.parametrize("fault", CUT)
def test_a_tenant_that_wants_unknown_ones_sent_again_needs_no_operator(
    played: Played, fault: str
) -> None:
    for talk in played.of(fault, RESENDS):
        assert played.taken_before[talk.person] == [1, 2, 3]
        assert len(played.stage.asked(talk, STRUCK)) == 2


CHATS = 20
POINTS = {
    "before the claim": "delivery.before_claim",
    "between claim and call": "delivery.after_claim",
    "between call and record": "delivery.after_answer",
    "between record and report": "delivery.before_report",
}


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_point_the_agent_sends_each_reply_once_and_in_order(
    settings: Settings, tmp_path: Path, point: str
) -> None:
    talks = [Talk(HOLDS, "1555", str(4915200000000 + number)) for number in range(CHATS)]
    numbers = range(1, RUNS + 4)
    chance = random.Random(point)
    async with staged(settings, tmp_path, latency=0.02) as stage:
        stage.told = is_told
        await stage.know(delivering.tenant(HOLDS, ["1555"], confirmation_minutes=0.05))
        with roles.running(stage.decider()):
            await stage.write(talks, numbers)
            for _ in range(RUNS):
                fatal = f"{POINTS[point]}:{chance.randint(1, CHATS)}"
                with roles.running(agent := stage.agent(CHATFOLD_FAILPOINT=fatal)):
                    assert await asyncio.to_thread(agent.wait_ended) == -signal.SIGKILL
            with roles.running(stage.agent()):
                before = await stage.settled(CHATS * len(numbers))
                waiting = set(before.waiting())
                assert max(Counter(stage.taken_replies()).values()) == 1
                assert_in_order(stage, talks)
                await look(stage, before)
        assert Counter(stage.taken_replies()) == dict.fromkeys(before.states, 1)
    unknown = [one.data for one in before.facts if isinstance(one.data, MessageSendUnconfirmed)]
    assert {one.error_code for one in unknown} <= {"interrupted"}
    assert waiting <= {one.reply_id for one in unknown}
    if point in {"between claim and call", "between call and record"}:
        assert unknown


def assert_in_order(stage: Stage, talks: list[Talk]) -> None:
    for talk in talks:
        taken = stage.taken(talk)
        assert taken == sorted(taken), talk
