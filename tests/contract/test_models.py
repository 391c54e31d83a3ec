"""Models are asked by the real client of a service that speaks as OpenAI's, and fails as it can."""

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest
from aiohttp import web

from chatfold import clock
from chatfold.models import TenantModels
from chatfold.sandbox import Fault, Sandbox, running
from schemas.content import Usage
from schemas.job_failures import MEANINGS, JobFailureCode
from schemas.tenants import Tenant
from streams.ports import ModelFailure, Said, Understood
from tests.support import models as support
from tests.support.models import KEY, TENANT

ASKED = [Said("system", "Be kind."), Said("user", "How are you today, my friend?")]
SOUND = b"OggS" + bytes(9_996)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with running(now=clock.now) as opened:
        yield opened


@pytest.fixture
async def models(box: Sandbox) -> AsyncIterator[TenantModels]:
    async with support.of(box) as opened:
        yield opened


async def chat(models: TenantModels, **wanted: object) -> Understood | ModelFailure:
    return await models.chat(TENANT, ASKED, **{"max_tokens": 100, **wanted})


async def see(models: TenantModels) -> Understood | ModelFailure:
    return await models.see(TENANT, [PICTURE], "What is to be seen?")


async def transcribe(models: TenantModels) -> Understood | ModelFailure:
    return await models.transcribe(TENANT, SOUND, "my secret diary.oga", "audio/ogg; codecs=opus")


ALL = [chat, see, transcribe]


async def test_a_conversation_is_answered_with_what_it_cost(models, box) -> None:
    answer = await chat(models)
    assert isinstance(answer, Understood)
    assert answer.text.startswith("Answer 1 to 2 messages")
    assert answer.text.endswith("How are you today, my friend?")
    usage = answer.usage
    assert (usage.model, usage.tokens_in, usage.tokens_out) == ("gpt-4o-mini", 8, 16)
    assert usage.cost_micros == round(8 * 0.15 + 16 * 0.6)
    [received] = box.journal.find()
    assert (received.account, received.method, received.accepted) == ("acme", "chat", True)
    assert [one["role"] for one in received.body["messages"]] == ["system", "user"]


async def test_what_is_asked_for_is_what_is_sent(box) -> None:
    async with support.of(box) as models:
        await chat(models, max_tokens=7, temperature=0.2, model="gpt-4o")
        await chat(models)
    async with support.of(box, provider="ollama") as models:
        await chat(models, max_tokens=7)
    wanted, plain, other = (one.body for one in box.journal.find())
    assert (wanted["model"], wanted["temperature"]) == ("gpt-4o", 0.2)
    assert wanted["max_completion_tokens"] == 7
    assert "max_tokens" not in wanted
    assert "temperature" not in plain
    assert other["max_tokens"] == 7
    assert not {"tools", "tool_choice", "functions", "user", "metadata"} & wanted.keys()


async def test_a_picture_is_seen_and_a_recording_written_down(models, box) -> None:
    box.sayings.put(sha256(PICTURE).hexdigest(), "a red bicycle")
    box.sayings.put(sha256(SOUND).hexdigest(), "please call me back")
    seen, heard = await see(models), await transcribe(models)
    assert isinstance(seen, Understood)
    assert isinstance(heard, Understood)
    assert seen.text == "a red bicycle"
    assert (heard.text, heard.language) == ("please call me back", "english")
    assert heard.usage.cost_micros == round(5 / 60 * 0.006 * 1e6)
    _, received = box.journal.find()
    assert received.reference == "sound.ogg"  # people's names for their files go nowhere


async def test_a_model_that_tells_tokens_is_paid_by_the_token(box) -> None:
    prices = {"gpt-4o-transcribe": {"tokens_in": 2.5, "tokens_out": 10, "minute": 99}}
    async with support.of(box, speech="gpt-4o-transcribe", prices=prices) as models:
        heard = await transcribe(models)
    assert isinstance(heard, Understood)
    assert heard.usage.tokens_in == 101
    assert heard.usage.cost_micros == round(101 * 2.5 + 4 * 10)


@pytest.mark.parametrize("ask", ALL)
@pytest.mark.parametrize(
    ("fault", "code", "waits"),
    [
        ("400", JobFailureCode.REFUSED, False),
        ("401", JobFailureCode.UNAUTHENTICATED, False),
        ("403", JobFailureCode.UNAUTHENTICATED, False),
        ("429", JobFailureCode.THROTTLED, True),
        ("500", JobFailureCode.SERVICE_DOWN, True),
        ("503", JobFailureCode.SERVICE_DOWN, True),
        ("quota", JobFailureCode.QUOTA_EXHAUSTED, False),
        ("cut_before_read", JobFailureCode.UNREACHABLE, False),
        ("lost_answer", JobFailureCode.UNREACHABLE, False),
        ("malformed", JobFailureCode.MALFORMED_ANSWER, False),
    ],
)
async def test_what_goes_wrong_is_told_in_our_words_and_tried_once(
    models, box, ask, fault: str, code: JobFailureCode, waits: bool
) -> None:
    box.faults.add(Fault(fault=fault, retry_after=7))
    failed = await ask(models)
    assert isinstance(failed, ModelFailure)
    assert failed.code is code
    assert failed.detail
    assert failed.retry_after_seconds == (7 if waits else None)
    assert len(list(box.journal.find())) == 1
    assert isinstance(await ask(models), Understood)


@pytest.mark.parametrize("ask", [chat, see])
@pytest.mark.parametrize(
    ("fault", "code", "is_counted"),
    [
        ("cut_stream", JobFailureCode.MALFORMED_ANSWER, False),
        ("no_finish", JobFailureCode.MALFORMED_ANSWER, False),
        ("streamed_error", JobFailureCode.SERVICE_DOWN, False),
        ("content_filter", JobFailureCode.REFUSED, True),
    ],
)
async def test_half_an_answer_is_none(
    models, box, ask, fault: str, code: JobFailureCode, is_counted: bool
) -> None:
    box.faults.add(Fault(fault=fault))
    failed = await ask(models)
    assert isinstance(failed, ModelFailure)
    assert failed.code is code
    assert failed.usage is not None  # it may have to be paid
    assert (failed.usage.tokens_in is not None) is is_counted


async def test_an_answer_that_comes_to_its_tokens_is_taken_and_says_so(models) -> None:
    answer = await chat(models, max_tokens=3)
    assert isinstance(answer, Understood)
    assert answer.text == "Answer 1 to …"
    assert answer.usage.tokens_out == 3


@pytest.mark.parametrize("ask", ALL)
async def test_a_service_that_takes_too_long_is_left(box, ask) -> None:
    box.faults.add(Fault(fault="slow", delay=60))
    async with support.of(box, timeout_seconds=0.2) as models:
        failed = await ask(models)
    assert isinstance(failed, ModelFailure)
    assert failed.code is JobFailureCode.TIMED_OUT
    assert isinstance(failed.usage, Usage)


@pytest.mark.parametrize("ask", ALL)
async def test_where_nobody_listens_nothing_was_paid(ask) -> None:
    async with support.opened(support.tenant("http://127.0.0.1:9/v1")) as models:
        failed = await ask(models)
    assert isinstance(failed, ModelFailure)
    assert failed.code is JobFailureCode.UNREACHABLE
    assert MEANINGS[failed.code].retryable
    assert failed.usage is None


@pytest.mark.parametrize("ask", ALL)
@pytest.mark.parametrize(
    "tenant",
    [
        Tenant(tenant_id="other", name="Other"),
        Tenant(tenant_id=TENANT, name="Acme"),
        support.tenant("http://127.0.0.1:9/v1", api_key="env:NOT_SET"),
    ],
)
async def test_what_is_not_configured_is_named_and_not_asked(ask, tenant: Tenant) -> None:
    async with support.opened(tenant) as models:
        failed = await ask(models)
    assert isinstance(failed, ModelFailure)
    assert failed.code is JobFailureCode.NOT_CONFIGURED
    assert failed.usage is None


async def test_a_tenant_that_is_not_known_yet_is_looked_for(box) -> None:
    async with support.opened(late=(support.tenant(box.models_url),)) as models:
        assert isinstance(await chat(models), Understood)


async def test_a_model_that_is_not_there_is_told_so(box) -> None:
    async with support.of(box, chat="gpt-missing") as models:
        failed = await chat(models)
    assert isinstance(failed, ModelFailure)
    assert failed.code is JobFailureCode.NOT_CONFIGURED


async def test_what_is_no_picture_is_shown_to_nobody(models, box) -> None:
    failed = await models.see(TENANT, [b"%PDF-1.7"], "What is to be seen?")
    assert isinstance(failed, ModelFailure)
    assert failed.code is JobFailureCode.UNSUPPORTED
    assert not list(box.journal.find())


class Service:
    """Answers whatever it is asked with the same, and remembers the headers."""

    def __init__(self, **answer: object) -> None:
        self.answer = answer
        self.headers: list[dict[str, str]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(**self.answer)


@pytest.fixture
async def serve() -> AsyncIterator:
    runners = []

    async def serve(service: Service) -> str:
        app = web.Application(client_max_size=10**8)
        app.router.add_route("*", "/{path:.*}", service.take)
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runners[-1].addresses[0][1]}/v1"

    yield serve
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize("ask", ALL)
async def test_a_key_follows_no_redirect(serve, ask) -> None:
    other = Service(text="{}")
    there = Service(status=307, headers={"location": await serve(other)})
    async with support.opened(support.tenant(await serve(there))) as models:
        failed = await ask(models)
    assert isinstance(failed, ModelFailure)
    assert failed.code is JobFailureCode.NOT_CONFIGURED
    assert (len(there.headers), len(other.headers)) == (1, 0)


@pytest.mark.parametrize("key", [None, "env:TEST_MODEL_KEY"])
async def test_another_service_for_speech_gets_its_own_key_only(serve, box, key) -> None:
    speech = Service(text='{"text": "hello"}', content_type="application/json")
    url = await serve(speech)
    async with support.of(box, speech_base_url=url, speech_api_key=key) as models:
        assert isinstance(await transcribe(models), Understood)
        assert isinstance(await chat(models), Understood)
    [headers] = speech.headers
    assert (KEY in headers["authorization"]) is (key is not None)


async def test_another_service_learns_nothing_of_the_organization(
    serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/private")
    service = Service(text='{"text": "hello"}', content_type="application/json")
    async with support.opened(support.tenant(await serve(service))) as models:
        assert isinstance(await transcribe(models), Understood)
    assert not [value for one in service.headers for value in one.values() if "private" in value]


@pytest.mark.parametrize("ask", ALL)
async def test_a_refusal_that_repeats_the_key_is_struck(serve, ask) -> None:
    said = f'{{"error": {{"message": "bad key {KEY} and sk-proj-abcdef123456"}}}}'
    service = Service(status=401, text=said, content_type="application/json")
    async with support.opened(support.tenant(await serve(service))) as models:
        failed = await ask(models)
    assert isinstance(failed, ModelFailure)
    assert "s3cr3t" not in failed.detail
    assert "abcdef" not in failed.detail


@pytest.mark.parametrize("ask", ALL)
@pytest.mark.parametrize(
    "answer",
    [
        {"text": ""},
        {"text": "<html>a gateway</html>", "content_type": "text/html"},
        {"text": "[]", "content_type": "application/json"},
        {"text": '{"text": 5, "choices": 7}', "content_type": "application/json"},
        {"text": "data: [1]\n\ndata: [DONE]\n\n", "content_type": "text/event-stream"},
        {"text": 'data: {"choices": [{"delta": 5}]}\n\n', "content_type": "text/event-stream"},
        {"body": b"data: \xff\xfe\n\n", "content_type": "text/event-stream"},
    ],
)
async def test_what_makes_no_sense_is_malformed(serve, ask, answer: dict[str, object]) -> None:
    async with support.opened(support.tenant(await serve(Service(**answer)))) as models:
        failed = await ask(models)
    assert isinstance(failed, ModelFailure)
    assert failed.code is JobFailureCode.MALFORMED_ANSWER


async def test_an_answer_that_had_ended_when_the_connection_broke_is_whole(serve) -> None:
    piece = 'data: {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\n'
    service = Service(text=piece, headers={"content-length": "9999"})
    async with support.opened(support.tenant(await serve(service))) as models:
        answer = await chat(models)
    assert isinstance(answer, Understood)
    assert answer.text == "Hi"
    assert answer.usage.tokens_out is None


async def test_many_ask_at_once_over_connections_that_serve_again(models, box) -> None:
    for _ in range(2):
        answers = await asyncio.gather(*(chat(models) for _ in range(50)))
        assert all(isinstance(one, Understood) for one in answers)
    assert len(models._clients._http._transport._pool.connections) <= 50
