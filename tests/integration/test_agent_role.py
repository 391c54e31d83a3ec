"""An agent as a role: what breaks it ends it with an error, what passes by does not."""

import asyncio
import signal
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatfold import clock
from chatfold.eventlog import EventLog
from chatfold.results import Results
from chatfold.sandbox import Fault
from chatfold.settings import Settings
from chatfold.stack import Stack
from schemas import codec, envelope, identity
from schemas.content import SendOutcome
from schemas.envelope import Recorded
from schemas.inputs import AnswerReported
from schemas.topics import Groups, Topics
from schemas.work import AnswerQuestion, Order, Question
from streams.apps import Consumption
from streams.ports import Leaving
from streams.roles import AgentFailed, AgentRole
from tests.support import agents, kafka, roles, servers
from tests.support.agents import Agent
from tests.support.stage import staged

SENT = SendOutcome.SENT


class Hand:
    """An agent that notes what it is given, or breaks."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.error: Exception | None = None

    async def handle(self, order: Recorded[Order], _leaving: Leaving) -> None:
        self.given.append(order.id)
        if self.error:
            raise self.error


@pytest.fixture
async def log(settings: Settings) -> AsyncIterator[EventLog]:
    await kafka.prepare(settings)
    log = EventLog(settings.bootstrap, max_pending_bytes=1_000_000)
    await log.start()
    yield log
    await log.stop()


def role(settings: Settings, hand: Hand, log: object) -> AgentRole:
    names, groups = Topics(settings.topic_prefix), Groups(settings.topic_prefix)
    taken = Consumption(
        name="delivery",
        bootstrap=settings.bootstrap,
        topic=names.work_delivery,
        group=groups.delivery,
        dead_letters=names.dead_letters,
    )
    return AgentRole(taken=taken, agent=hand.handle, log=log, now=clock.now)


async def ready(running: AgentRole) -> None:
    async def met() -> bool:
        return not running.unready()

    await agents.eventually(met, "the role to be ready", 30)


@pytest.mark.parametrize(
    ("broken", "said"),
    [("thread", "the consumer's thread has ended"), ("faust", "Faust has crashed")],
)
async def test_when_a_part_of_it_dies_the_process_ends_with_an_error(
    settings: Settings, tmp_path: Path, broken: str, said: str
) -> None:
    await kafka.prepare(settings)
    with roles.running(one := Agent("reply", settings, tmp_path / "log", TEST_BREAK=broken)):
        assert await asyncio.to_thread(one.wait_ended, 60) == 1
    assert said in one.log.read_text()


async def test_an_order_on_which_the_agent_breaks_becomes_a_dead_letter_with_the_stack(
    settings: Settings, log: EventLog
) -> None:
    hand, stop = Hand(), asyncio.Event()
    hand.error = ValueError("a bug of ours")
    one = role(settings, hand, Results(log))
    running = asyncio.create_task(one.run(stop))
    await agents.produce(settings, [agents.order(1, 0)])
    await _until(lambda: hand.given)
    hand.error = None
    await agents.produce(settings, [agents.order(1, 1)])
    await _until(lambda: len(hand.given) == 2)
    stop.set()
    await running
    [letter] = await kafka.read_all(settings, Topics(settings.topic_prefix).dead_letters)
    headers = dict(letter.headers)
    assert b"a bug of ours" in headers["dl_reason"]
    assert b"in handle" in headers["dl_stack"]


async def test_an_order_that_cannot_even_become_a_dead_letter_ends_the_role_unacknowledged(
    settings: Settings, log: EventLog
) -> None:
    class Broken:
        async def append(self, *_: object) -> None:
            raise KeyError("a bug of the log's")

    hand = Hand()
    hand.error = ValueError("a bug of ours")
    await agents.produce(settings, [agents.order(1, 0)])
    with pytest.raises(AgentFailed, match="neither handled"):
        await asyncio.wait_for(role(settings, hand, Broken()).run(asyncio.Event()), 40)
    assert set((await agents.committed(settings)).values()) == {-1}


@pytest.mark.parametrize("delay", [0, 0.01, 0.1, 0.3])
async def test_a_role_that_is_stopped_while_it_starts_ends_without_an_error(
    settings: Settings, tmp_path: Path, delay: float
) -> None:
    await kafka.prepare(settings)
    with roles.running(one := Agent("reply", settings, tmp_path / "log", TEST_STOP=str(delay))):
        assert await asyncio.to_thread(one.wait_ended, 20) == 0, one.log.read_text()


async def _until(met) -> None:
    async def asked() -> bool:
        return bool(met())

    await agents.eventually(asked, "a condition", 30)


async def test_a_second_agent_makes_no_send_unknown_and_takes_its_share(
    settings: Settings, tmp_path: Path
) -> None:
    async with staged(settings, tmp_path / "agent.log", latency=0.5) as scene:
        orders = [agents.order(chat, number) for number in range(30) for chat in range(60)]
        await agents.produce(settings, orders)
        with roles.running(first := scene.agent("a")):
            await scene.arrived(30)
            with roles.running(second := scene.agent("b")):
                await asyncio.to_thread(second.wait_ready)
                await scene.arrived(scene.received + 300)
                assert _sends(first) > 0
                assert _sends(second) > 0
                assert _partitions(first) | _partitions(second) == set("0123")
                assert not _partitions(first) & _partitions(second)
                told = await agents.reported(settings, orders)
        assert {one.outcome for one in told.values()} == {SENT}
        scene.check(orders, told)


def _lines(agent: Agent, metric: str) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{agent.port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return [line for line in lines if line.startswith(metric + "{")]


def _sends(agent: Agent) -> float:
    return sum(
        float(line.rpartition(" ")[2]) for line in _lines(agent, "chatfold_delivery_sends_total")
    )


def _partitions(agent: Agent) -> set[str]:
    """The partitions whose lag an agent shows."""
    return {line.split('"')[3] for line in _lines(agent, "chatfold_agent_lag_records")}


async def test_the_assistant_answers_questions_and_says_why_it_cannot(
    settings: Settings, tmp_path: Path
) -> None:
    names = await kafka.prepare(settings)
    for number, views in enumerate(("", "broken")):
        question_id = f"question {number}"
        question = Recorded(
            id=f"{question_id}.order",
            time=agents.AT,
            source="/chatfold/decider",
            tenant="acme",
            chat_id=f"chat {number}",
            causation_id="cause",
            correlation_id="first",
            data=AnswerQuestion(question_id=question_id, question=Question.VIEW_STATS),
        )
        await kafka.produce(settings, names.work_reply, [envelope.encode(question)])
        with roles.running(Agent("reply", settings, tmp_path / "log", "a", TEST_VIEWS=views)):
            answer = await _answer_to(settings, question_id)
        if views:
            assert answer.error == "ConnectionError: the view store is away"
        else:
            assert answer.answer == {"reachable": True, "operations": 3}


async def _answer_to(settings: Settings, question_id: str) -> AnswerReported:
    async with (
        agents.following(settings, Topics(settings.topic_prefix).inbox) as inbox,
        asyncio.timeout(60),
    ):
        async for record in inbox:
            told = envelope.decode(codec.INPUTS, value=record.value, headers=record.headers)
            if told.id == identity.answer_id(question_id):
                return told.data
    raise AssertionError


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_a_broker_that_goes_and_comes_back_costs_nothing(
    own_servers: Stack, tmp_path: Path, how: str
) -> None:
    settings = servers.isolated(own_servers.settings, how, tmp_path)
    async with staged(settings, tmp_path / "agent.log", latency=0.05) as scene:
        orders = [agents.order(chat, number) for number in range(10) for chat in range(40)]
        await agents.produce(settings, orders)
        scene.box.faults.add(Fault(fault="slow", delay=1.0, times=40))
        with roles.running(scene.agent("a")):
            await scene.arrived(50)
            await _away(own_servers, how, 9)
            told = await agents.reported(settings, orders, 120)
    scene.check(orders, told)
    assert {one.outcome for one in told.values()} == {SENT}


@pytest.mark.slow
async def test_told_to_stop_while_the_broker_is_away_it_goes_in_bounded_time(
    own_servers: Stack, tmp_path: Path
) -> None:
    settings = servers.isolated(own_servers.settings, "going", tmp_path)
    async with staged(settings, tmp_path / "agent.log") as scene:
        orders = [agents.order(chat, 0) for chat in range(20)]
        await agents.produce(settings, orders)
        with roles.running(agent := scene.agent("a")):
            await scene.arrived(20)
            await asyncio.to_thread(own_servers.kafka.stop)
            try:
                agent.process.send_signal(signal.SIGTERM)
                await asyncio.to_thread(agent.wait_ended, 60)
            finally:
                await asyncio.to_thread(own_servers.kafka.start)
        with roles.running(scene.agent("a")):
            told = await agents.reported(settings, orders)
    scene.check(orders, told)
    assert {one.outcome for one in told.values()} == {SENT}


async def _away(stack: Stack, how: str, seconds: float) -> None:
    if how == "stopped":
        await asyncio.to_thread(stack.kafka.stop)
        await asyncio.sleep(seconds / 3)
        await asyncio.to_thread(stack.kafka.start)
    else:
        stack.kafka.kill(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        stack.kafka.kill(signal.SIGCONT)
