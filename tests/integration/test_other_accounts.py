"""However one account fails, the others' replies arrive; and its own when it works again."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatfold.sandbox import Fault, Match
from chatfold.settings import Settings
from schemas.facts import MessageSendFailed, MessageSendUnconfirmed
from tests.support import agents, delivering, roles
from tests.support.delivering import Replies, Stage, Talk, staged

TENANT, FAILING = "acme", "failing"
OTHERS = ("first", "second", "third")
FAILING_CHATS, OTHER_CHATS = 150, 30
NUMBERS = (1, 2)
AGAIN_SECONDS, SETTLE_SECONDS = 10.0, 120.0
PLACES = 64
"""Of the orders of one account so many are sent at a time; the rest wait."""

TALKS_FAILING = [Talk(TENANT, FAILING, str(4915300000000 + n)) for n in range(FAILING_CHATS)]
TALKS_OTHER = [
    Talk(TENANT, account, str(4915400000000 + 1000 * place + n))
    for n in range(OTHER_CHATS)
    for place, account in enumerate(OTHERS)
]


@pytest.fixture
async def stage(settings: Settings, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(settings, tmp_path) as ready:
        await ready.know(tenant())
        yield ready


def tenant(**changed: object) -> delivering.Tenant:
    """Refused replies are not tried again while the test lasts, unless an operator wants it."""
    return delivering.tenant(TENANT, [FAILING, *OTHERS], retry_minutes=(60.0,), **changed)


def fail(stage: Stage, fault: str) -> None:
    """From now on every request of the account fails."""
    whose = Match(account=FAILING)
    stage.box.faults.add(
        Fault(fault=fault, match=whose, times=None, delay=300, retry_after=_after(fault))
    )


def _after(fault: str) -> int | None:
    return 3600 if fault == "429" else None


async def others_sent(stage: Stage) -> Replies:
    """The facts once every reply of the other accounts is sent."""
    found: list[Replies] = []
    chats = {talk.chat_id for talk in TALKS_OTHER}

    async def met() -> bool:
        found[:] = [await stage.replies()]
        states = [state for one, state in found[0].states.items() if found[0].chats[one] in chats]
        return len(states) == len(TALKS_OTHER) * len(NUMBERS) and set(states) == {"sent"}

    await agents.eventually(met, "the others' replies to be sent", SETTLE_SECONDS)
    return found[0]


def assert_others_arrived(stage: Stage) -> None:
    assert {tuple(stage.taken(talk)) for talk in TALKS_OTHER} == {NUMBERS}


async def test_all_others_replies_arrive_while_those_of_an_account_that_hangs_still_wait(
    stage: Stage,
) -> None:
    fail(stage, "slow")
    with roles.running(stage.decider(), agent := stage.agent(TEST_HTTP_SECONDS="240")):
        await stage.write(TALKS_FAILING, NUMBERS)
        waiting = f'orders{{of="sends"}} {FAILING_CHATS - PLACES}.0'
        await agents.eventually(lambda: agent.tells(waiting), "the account to hang")
        await stage.write(TALKS_OTHER, NUMBERS)
        replies = await others_sent(stage)
        assert await agent.tells(waiting)
    assert_others_arrived(stage)
    failing = {talk.chat_id for talk in TALKS_FAILING}
    ended = [one for one in replies.facts if isinstance(one.data, MessageSendUnconfirmed)]
    assert not [one for one in ended if one.chat_id in failing]
    assert not list(stage.box.journal.find(account=FAILING))


@pytest.mark.parametrize("fault", ["401", "429", "500", "cut_after_read"])
async def test_all_others_replies_arrive_while_an_account_fails_and_its_own_when_it_works_again(
    stage: Stage, fault: str
) -> None:
    fail(stage, fault)
    with roles.running(stage.decider(), stage.agent()):
        await stage.write(TALKS_FAILING, NUMBERS[:1])
        await stage.write(TALKS_OTHER, NUMBERS)
        await others_sent(stage)
        assert_others_arrived(stage)
        assert not any(one.accepted for one in stage.box.journal.find(account=FAILING))
        await tried_once(stage)
        await works_again(stage)
        await retried(stage)
    assert {tuple(stage.taken(talk)) for talk in TALKS_FAILING} == {NUMBERS[:1]}


async def tried_once(stage: Stage) -> None:
    """Wait until it is known of each of the account's replies that it was not sent."""

    async def met() -> bool:
        facts = (one.data for one in (await stage.replies()).facts)
        kinds = MessageSendFailed | MessageSendUnconfirmed
        failed = {fact.reply_id for fact in facts if isinstance(fact, kinds)}
        return len(failed) == len(TALKS_FAILING)

    await agents.eventually(met, "the account's replies to fail", SETTLE_SECONDS)


async def works_again(stage: Stage) -> None:
    """The provider takes the account's messages, and its token has been renewed."""
    stage.box.faults.clear()
    await stage.know(tenant(name="Acme, with a new token"))


async def retried(stage: Stage) -> None:
    """Be the operator who retries what is not sent, again if the agent did not know yet."""
    asked = 0.0

    async def met() -> bool:
        nonlocal asked
        replies = await stage.replies()
        rest = [reply_id for reply_id, state in replies.states.items() if state != "sent"]
        if rest and time.monotonic() - asked > AGAIN_SECONDS:
            asked = time.monotonic()
            await stage.retry(replies, rest)
        return not rest

    await agents.eventually(met, "every reply to be sent", SETTLE_SECONDS)
