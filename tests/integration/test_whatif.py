"""`chatfold whatif` on real servers: it reads the log, and leaves it as it was."""

from datetime import timedelta

from chatfold import clock
from chatfold.sandbox.server import running
from chatfold.settings import Settings
from schemas.topics import Topics
from tests.support import kafka, projecting, thinking, webhooks
from tests.support.commands import run
from tests.support.inbox import Inbox


async def recorded(settings: Settings, *words: str) -> None:
    """The inbox and the events of messages that the echo has answered."""
    names, decided = Topics(settings.topic_prefix), Inbox()
    for number, text in enumerate(words):
        at = clock.now() - timedelta(minutes=60 - number)
        message = webhooks.text(text, wamid=f"wamid.{number}", at=at)
        inputs = webhooks.inputs(webhooks.body(message), at=at)
        await kafka.produce_inputs(settings, inputs)
        for one in inputs:
            decided.append(one)
    decided.drain()
    await kafka.produce(settings, names.events, decided.written("test.events.v1"))


async def test_another_prompt_is_put_to_the_tenants_model_and_what_it_costs_is_told(
    settings, tmp_path, monkeypatch
):
    async with running(now=clock.now) as box:
        tenant = thinking.tenant(box).model_copy(
            update={
                "tenant_id": kafka.TENANT.tenant_id,
                "accounts": kafka.TENANT.accounts,
                "responder": "echo",
            }
        )
        monkeypatch.setenv("TEST_MODEL_KEY", f"{webhooks.TENANT}:sk-s3cr3t")
        await kafka.prepare(settings, tenant)
        await recorded(settings, "hello!", "how are you")
        before = await ends(settings)
        prompt = tmp_path / "prompt.txt"
        prompt.write_text("You are a pirate.")
        told = await run(settings, "whatif", "--prompt", str(prompt), "--from", "2h")
        assert (told["messages"], told["differing"], told["failing"]) == (2, 2, 0)
        assert told["cost"]["would_be"]["calls"] == 2
        assert told["cost"]["would_be"]["cost_micros"] > 0
        assert await ends(settings) == before


async def ends(settings: Settings) -> list[dict[int, int]]:
    names = Topics(settings.topic_prefix)
    topics = (names.inbox, names.events, names.work_delivery, names.work_reply, names.chat_state)
    return [await projecting.ends(settings, topic) for topic in topics]


async def test_another_handler_is_compared_and_the_log_stays_as_it_was(settings, tmp_path):
    echo = kafka.TENANT.model_copy(update={"responder": "echo"})
    await kafka.prepare(settings, echo)
    await recorded(settings, "hello!", "how are you", "great!")
    before = await ends(settings)
    page = tmp_path / "report.html"
    handler = ("--handler", "tests.support.shouting:shout")
    told = await run(settings, "whatif", *handler, "--from", "2h", "--html", str(page))
    assert (told["messages"], told["differing"], told["failing"]) == (3, 2, 0)
    assert [turn["turn"]["would"] for turn in told["turns"] if turn["differs"]] == [
        ["HELLO!"],
        ["GREAT!"],
    ]
    assert told["cost"]["would_be"]["calls"] == 0
    assert "2 of 3 messages would be answered differently" in page.read_text()
    assert await ends(settings) == before


async def test_a_tenant_without_models_and_a_handler_that_is_not_there_are_refused(settings):
    await kafka.prepare(settings, kafka.TENANT)
    await recorded(settings, "hello!")
    await run(settings, "whatif", code=2)
    await run(settings, "whatif", "--handler", "no.such:thing", code=2)
    await run(settings, "whatif", "--model", "gpt-9", "--from", "2h", code=2)
