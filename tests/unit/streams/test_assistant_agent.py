"""The assistant answers every question, and reports once on every attempt at a model's job."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from schemas import codec, identity
from schemas.content import MessageKind, Origin, Prompt, Usage, Utterance
from schemas.envelope import Recorded
from schemas.inputs import AnswerReported, JobReported
from schemas.job_failures import MEANINGS, JobFailureCode
from schemas.tenants import Assistant as Settings
from schemas.tenants import Tenant
from schemas.work import AnswerQuestion, AskModel, GenerateAnswer, Question, SummariseConversation
from streams.agents import assistant
from streams.agents.assistant import Assistant, World
from streams.agents.seats import Bounds, Seats
from streams.ports import Leaving, ModelFailure, Said, Understood
from streams.window import Left
from tests.support import agents
from tests.support.ports import Away, MemoryLedger, MemoryLog, MemoryViews, Ticking

QUESTION = AnswerQuestion(question_id="q", question=Question.VIEW_STATS)
SAID = Utterance(
    message_id="m1", origin=Origin.USER, kind=MessageKind.TEXT, at=agents.AT, text="How much?"
)
ANSWER = GenerateAnswer(job_id="job", attempt=1, conversation=(SAID,), unanswered=("m1",))
SUM_UP = SummariseConversation(job_id="job", attempt=1, conversation_id="c", conversation=(SAID,))
ASK = AskModel(
    job_id="job", attempt=1, prompt=Prompt(instruction="Translate.", text="bonjour", max_tokens=9)
)
USAGE = Usage(model="m", seconds=1.5, tokens_in=10, tokens_out=5, cost_micros=7)
TENANT = Tenant(
    tenant_id="acme", name="Acme", assistant=Settings(answer_tokens=77, temperature=0.5)
)


def recorded(asked: object, chat: str = "chat", tenant: str = "acme") -> Recorded:
    return Recorded(
        id=f"order of {chat}",
        time=agents.AT,
        source="/chatfold/decider",
        tenant=tenant,
        chat_id=chat,
        causation_id="cause",
        correlation_id="first",
        data=asked,
    )


@dataclass
class MemoryTenants:
    known: dict[str, Tenant] = field(default_factory=lambda: {"acme": TENANT})
    away: Away = field(default_factory=Away)

    async def tenant(self, tenant_id: str) -> Tenant | None:
        self.away.check()
        return self.known.get(tenant_id)


@dataclass
class ScriptedModels:
    """Answers what it is told, and remembers what it was asked; waits while `held`."""

    answers: list[object] = field(default_factory=list)
    asked: list[tuple[str, Sequence[Said], dict]] = field(default_factory=list)
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.held.set()

    async def chat(self, tenant: str, messages: Sequence[Said], **wanted: object) -> object:
        self.asked.append((tenant, messages, wanted))
        await self.held.wait()
        answer = self.answers.pop(0) if self.answers else Understood("ten euros", USAGE)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Scene:
    models: ScriptedModels = field(default_factory=ScriptedModels)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    log: MemoryLog = field(default_factory=MemoryLog)
    tenants: MemoryTenants = field(default_factory=MemoryTenants)
    views: MemoryViews = field(default_factory=lambda: MemoryViews({"reachable": True}))
    bounds: Bounds = field(default_factory=Bounds)
    reached: list[str] = field(default_factory=list)
    now: Ticking = field(default_factory=Ticking)

    def agent(self) -> Assistant:
        world = World(
            tenants=self.tenants,
            models=self.models,
            ledger=self.ledger,
            log=self.log,
            inbox="inbox",
            now=self.now,
            reach=self.reached.append,
        )
        return Assistant(world, self.views, Seats(self.bounds))

    async def told(self, asked: object) -> Recorded:
        """What the agent reports of an order."""
        await self.agent().handle(recorded(asked), Leaving())
        return self.log.inputs("inbox")[-1]


async def test_a_question_is_answered_in_the_name_of_its_chain() -> None:
    told = await Scene().told(QUESTION)
    assert told.data == AnswerReported(question_id="q", answer={"reachable": True})
    assert told.id == identity.answer_id("q")
    assert (told.causation_id, told.correlation_id) == ("order of chat", "first")
    assert told.source == "/chatfold/agent/reply"


async def test_why_there_is_no_answer_is_an_answer() -> None:
    told = await Scene(views=MemoryViews(ConnectionError("away " * 100))).told(QUESTION)
    assert told.data.answer == {}
    assert told.data.error.startswith("ConnectionError: away")
    assert len(told.data.error) <= 300


async def test_an_answer_that_takes_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistant, "ANSWER_SECONDS", 0.01)

    class Stuck(MemoryViews):
        async def view_stats(self) -> dict[str, object]:
            await asyncio.sleep(10)
            return {}

    told = await Scene(views=Stuck({})).told(QUESTION)
    assert "TimeoutError" in told.data.error


@pytest.mark.parametrize("asked", [QUESTION, ANSWER])
async def test_the_log_is_waited_for_unless_it_must_leave(
    monkeypatch: pytest.MonkeyPatch, asked: object
) -> None:
    monkeypatch.setattr("streams.patience.FIRST_PAUSE", 0.001)
    assert await Scene(log=MemoryLog(away=Away(3))).told(asked)
    leaving = Leaving()
    leaving.set()
    with pytest.raises(Left):
        await Scene(log=MemoryLog(away=Away(3))).agent().handle(recorded(asked), leaving)


async def test_an_order_that_is_not_its_own_is_an_error() -> None:
    with pytest.raises(TypeError):
        await Scene().agent().handle(agents.order(1, 0), Leaving())


@pytest.mark.parametrize("asked", [ANSWER, SUM_UP, ASK])
async def test_what_a_model_says_is_reported_with_what_it_used(asked: object) -> None:
    scene = Scene()
    told = await scene.told(asked)
    assert told.id == identity.job_report_id(job="job", attempt=1)
    assert (told.causation_id, told.correlation_id) == ("order of chat", "first")
    report = told.data
    assert isinstance(report, JobReported)
    assert (report.text, report.usage, report.error_code) == ("ten euros", USAGE, None)
    assert report.started_at < report.finished_at
    assert scene.reached == ["reply.before_call", "reply.after_call", "reply.after_note"]


async def test_the_tenants_settings_go_with_the_prompt() -> None:
    scene = Scene()
    await scene.told(ANSWER)
    [(tenant, messages, wanted)] = scene.models.asked
    assert tenant == "acme"
    assert "How much?" in messages[-1].text
    assert wanted == {"max_tokens": 77, "temperature": 0.5}


async def test_a_handlers_wishes_come_before_the_tenants_settings() -> None:
    scene = Scene()
    await scene.told(ASK)
    [(_, messages, wanted)] = scene.models.asked
    assert messages[-1].text == "<text>bonjour</text>"
    assert wanted == {"max_tokens": 9, "temperature": 0.5, "model": None}


@pytest.mark.parametrize("code", JobFailureCode)
async def test_a_failure_is_reported_once_with_what_the_table_says(code: JobFailureCode) -> None:
    scene = Scene()
    scene.models.answers = [ModelFailure(code, "no", 7.0, USAGE)]
    report = (await scene.told(ANSWER)).data
    assert len(scene.models.asked) == 1
    retryable = MEANINGS[code].retryable
    assert (report.error_code, report.error_message, report.text) == (code, "no", None)
    assert report.retryable is retryable
    assert report.retry_after_seconds == (7.0 if retryable else None)
    assert report.usage == USAGE


async def test_a_defect_fails_the_attempt_and_its_words_stay_here() -> None:
    scene = Scene()
    scene.models.answers = [KeyError("a secret")]
    report = (await scene.told(ANSWER)).data
    assert report.retryable
    assert "secret" not in report.error_message


async def test_a_tenant_that_nobody_configured_is_told_so() -> None:
    scene = Scene(tenants=MemoryTenants({}))
    report = (await scene.told(ANSWER)).data
    assert report.error_code == JobFailureCode.NOT_CONFIGURED
    assert not scene.models.asked


async def test_an_order_that_comes_again_is_answered_with_the_same_bytes() -> None:
    scene = Scene()
    first = await scene.told(ANSWER)
    scene.ledger.run = "run 2"
    again = await scene.told(ANSWER)
    assert again == first
    assert len(scene.models.asked) == 1


async def test_what_was_begun_and_not_noted_is_asked_again() -> None:
    scene = Scene()
    await scene.ledger.claim("job:1")
    scene.ledger.run = "run 2"
    assert (await scene.told(ANSWER)).data.text == "ten euros"
    assert len(scene.models.asked) == 1


async def test_of_two_who_ask_at_the_same_time_the_first_noted_is_what_both_report() -> None:
    scene = Scene()
    scene.models.answers = [Understood("first", USAGE), Understood("second", USAGE)]
    scene.models.held.clear()
    agent, other = scene.agent(), scene.agent()
    asking = [
        asyncio.create_task(one.handle(recorded(ANSWER), Leaving())) for one in (agent, other)
    ]
    while len(scene.models.asked) < 2:
        await asyncio.sleep(0)
    scene.models.held.set()
    await asyncio.gather(*asking)
    one, two = scene.log.inputs("inbox")
    assert codec.dumps(one.data) == codec.dumps(two.data)


async def test_who_gets_an_order_that_it_is_at_asks_once() -> None:
    scene = Scene()
    scene.models.held.clear()
    agent = scene.agent()
    asking = [asyncio.create_task(agent.handle(recorded(ANSWER), Leaving())) for _ in range(3)]
    while not scene.models.asked:
        await asyncio.sleep(0)
    scene.models.held.set()
    await asyncio.gather(*asking)
    assert len(scene.models.asked) == 1
    assert len(scene.log.inputs("inbox")) == 1


async def test_what_cannot_be_noted_is_reported_all_the_same_when_it_must_leave() -> None:
    scene, leaving = Scene(), Leaving()
    scene.ledger.finish_away = Away(10**6)
    scene.reached = Points("reply.after_call", leaving.set)
    await scene.agent().handle(recorded(ANSWER), leaving)
    [told] = scene.log.inputs("inbox")
    assert told.data.text == "ten euros"


class Points(list):
    """Does something at a point of the code."""

    def __init__(self, point: str, act: object) -> None:
        self.point, self.act = point, act

    def append(self, point: str) -> None:
        if point == self.point:
            self.act()


def numbered(number: int, tenant: str = "acme") -> Recorded:
    job = GenerateAnswer(
        job_id=f"{tenant}-{number}", attempt=1, conversation=(SAID,), unanswered=("m1",)
    )
    return recorded(job, chat=f"{tenant} {number}", tenant=tenant)


async def until(met) -> None:
    async with asyncio.timeout(5):
        while not met():
            await asyncio.sleep(0.001)


async def test_one_tenants_slow_model_leaves_seats_to_the_others() -> None:
    scene = Scene(bounds=Bounds(most=6, share=4))
    scene.tenants.known["other"] = TENANT.model_copy(update={"tenant_id": "other"})
    scene.models.held.clear()
    agent = scene.agent()
    slow = [asyncio.create_task(agent.handle(numbered(n), Leaving())) for n in range(20)]
    await until(lambda: len(scene.models.asked) == 4)
    other = asyncio.create_task(agent.handle(numbered(1, "other"), Leaving()))
    await until(lambda: len(scene.models.asked) == 5)
    assert scene.models.asked[-1][0] == "other"
    question = asyncio.create_task(agent.handle(recorded(QUESTION), Leaving()))
    await until(question.done)
    assert isinstance(scene.log.inputs("inbox")[-1].data, AnswerReported)
    scene.models.held.set()
    await asyncio.gather(*slow, other)
    assert len(scene.models.asked) == 21


@pytest.mark.parametrize(
    "bounds", [Bounds(share=1, waiting=0), Bounds(share=1, longest_wait=0.01), Bounds(most=0)]
)
async def test_what_finds_the_line_full_comes_again_later(bounds: Bounds) -> None:
    scene = Scene(bounds=bounds)
    scene.models.held.clear()
    agent = scene.agent()
    first = asyncio.create_task(agent.handle(numbered(1), Leaving()))
    if bounds.most:
        await until(lambda: scene.models.asked)
    else:
        first.cancel()
        agent = Scene(bounds=Bounds(most=0, longest_wait=0.01), log=scene.log).agent()
    await agent.handle(numbered(2), Leaving())
    report = scene.log.inputs("inbox")[-1].data
    assert report.error_code == JobFailureCode.THROTTLED
    assert report.retryable
    assert report.retry_after_seconds
    scene.models.held.set()
    await asyncio.wait([first])


async def test_a_seat_is_given_back_whatever_happens() -> None:
    scene = Scene(bounds=Bounds(most=1, share=1))
    scene.models.answers = [KeyError(), ModelFailure(JobFailureCode.REFUSED, "no")]
    agent = scene.agent()
    for number in range(4):
        await agent.handle(numbered(number), Leaving())
    assert len(scene.models.asked) == 4


async def test_who_waits_for_a_seat_leaves_at_once_when_told() -> None:
    scene, leaving = Scene(bounds=Bounds(most=1, share=1, longest_wait=0.5)), Leaving()
    scene.models.held.clear()
    agent = scene.agent()
    first = asyncio.create_task(agent.handle(numbered(1), Leaving()))
    await until(lambda: scene.models.asked)
    waiting = asyncio.create_task(agent.handle(numbered(2), leaving))
    await asyncio.sleep(0.01)
    leaving.set()
    with pytest.raises(Left):
        await waiting
    scene.models.held.set()
    await first
    await agent.handle(numbered(3), Leaving())
    assert len(scene.models.asked) == 2  # the seat was free
