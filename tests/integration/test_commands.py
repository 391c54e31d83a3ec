"""The commands that look at a deployment, on real servers."""

import asyncio
from datetime import UTC, datetime

from typer.testing import CliRunner

from chatfold import clock, migrate
from chatfold.cli.everything import app
from chatfold.tenancy import sealing
from schemas import codec, envelope, identity
from schemas.dead_letters import dead_letter
from schemas.envelope import Position, Record
from schemas.tenants import Models, Tenant
from tests.support import facts, kafka, webhooks
from tests.support.inbox import Inbox
from tests.support.servers import environment


async def run(settings, *words: str, code: int = 0):
    """The JSON that a command prints."""
    env = environment(settings) | {"COLUMNS": "200"}
    result = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--json"], env=env)
    assert result.exit_code == code, result.output
    return codec.loads(result.stdout.encode())


async def test_the_log_shows_a_chats_inputs_and_facts_in_order(settings):
    names = await kafka.prepare(settings, kafka.TENANT)
    said = webhooks.body(webhooks.text("Hello", wamid="wamid.1"))
    other = webhooks.body(webhooks.text("Hi", wamid="wamid.2", user="4915100000009"))
    inputs = [*webhooks.inputs(said, at=datetime.now(UTC)), *webhooks.inputs(other)]
    await kafka.produce_inputs(settings, inputs)
    decided = Inbox()
    for one in inputs:
        decided.append(one)
    decided.drain()
    await kafka.produce(settings, names.events, decided.written("test.events.v1"))
    chat = f"{webhooks.TENANT}/whatsapp/{webhooks.USER}"
    entries = await run(settings, "log", "show", "--chat", chat)
    assert [entry["type"].partition(".")[0] for entry in entries] == [
        "WebhookReceived",
        "ChatStarted",
        "ProfileChanged",
        "ConversationOpened",
        "MessageReceived",
        "ReplyGenerated",
    ]
    by_id = identity.chat_id(
        tenant=webhooks.TENANT, platform="whatsapp", platform_user_id=webhooks.USER
    )
    assert await run(settings, "log", "show", "--chat", by_id) == entries


async def test_the_log_is_shown_by_what_happened_and_not_by_ids(settings):
    names = await kafka.prepare(settings, kafka.TENANT)
    log = facts.log(5, chats=1, facts=600)
    await kafka.produce(settings, names.events, [envelope.encode(one) for one in log])
    env = environment(settings) | {"COLUMNS": "400"}
    arguments = ["log", "show", "--chat", log[-1].chat_id]
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=env)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    said = {"MediaStored": "sha256", "AnswerGiven": "usage", "JobFailed": "throttled"}
    for kind, word in said.items():
        line = next(one for one in lines if f"{kind}.v1" in one)
        what = line[line.index("{") :]
        assert word in what
        assert "_id" not in what[:12]


async def test_the_log_of_a_deployment_without_topics_says_what_to_do(settings):
    env = environment(settings) | {"COLUMNS": "200"}
    for words in (["log", "show", "--chat", "x"], ["status"]):
        result = await asyncio.to_thread(CliRunner().invoke, app, words, env=env)
        assert result.exit_code == 2
        assert "chatfold topics apply" in result.output


async def test_doctor_names_what_is_missing_and_how_to_mend_it(settings):
    findings = {f["checked"]: f["problems"] for f in await run(settings, "doctor", code=1)}
    assert any("chatfold topics apply" in p for p in findings["Kafka and its topics"])
    assert any("chatfold migrate up" in p for p in findings["PostgreSQL and its tables"])
    assert findings["view store"] == []
    assert findings["file storage"] == []
    assert any("chatfold topics apply" in p for p in findings["tenants"])


async def test_doctor_finds_nothing_wrong_with_a_whole_deployment(settings):
    await kafka.prepare(settings, Tenant(tenant_id="acme", name="Acme"))
    await migrate.migrate(settings.database, settings.database_schema)
    findings = await run(settings, "doctor")
    assert [finding["problems"] for finding in findings] == [[], [], [], [], []]


async def test_doctor_tells_where_no_files_can_be_kept(settings):
    elsewhere = settings.model_copy(update={"media_url": "ftp://host/files"})
    findings = {f["checked"]: f["problems"] for f in await run(elsewhere, "doctor", code=1)}
    assert "s3://, gs://, az://" in findings["file storage"][0]


async def test_doctor_tells_what_an_account_lacks(settings):
    await kafka.prepare(settings, kafka.TENANT)
    await migrate.migrate(settings.database, settings.database_schema)
    findings = {f["checked"]: f["problems"] for f in await run(settings, "doctor", code=1)}
    told = " ".join(findings["tenants"])
    assert "credential access_token is missing" in told
    assert "no secret" in told


async def test_doctor_tells_which_reference_leads_to_nothing(settings):
    keys = sealing.master_keys(sealing.new_key("gone"))
    models = Models(api_key=keys.seal("hush", tenant="acme").reference, speech_api_key="env:NO")
    await kafka.prepare(settings, Tenant(tenant_id="acme", name="Acme", models=models))
    await migrate.migrate(settings.database, settings.database_schema)
    findings = {f["checked"]: f["problems"] for f in await run(settings, "doctor", code=1)}
    sealed, absent = findings["tenants"]
    assert sealed.startswith("acme: models.api_key: enc:…gone:")
    assert "master key gone is not in CHATFOLD_MASTER_KEYS" in sealed
    assert absent == "acme: models.speech_api_key: variable NO is not set, or is empty"


def letter(offset: int) -> Record:
    place = Position("t.inbox.v1", 0, offset)
    return dead_letter(key=b"chat", value=b"{}", headers=[], origin=place, reason="unknown type")


async def test_status_shows_roles_lags_and_dead_letters(settings):
    names = await kafka.prepare(settings, kafka.TENANT)
    said = webhooks.body(webhooks.text("Hello", wamid="wamid.1"))
    await kafka.produce_inputs(settings, webhooks.inputs(said, at=clock.now()))
    await kafka.produce(settings, names.dead_letters, map(letter, range(3)))
    told = await run(settings, "status")
    assert {one["role"] for one in told["roles"]} >= {"gateway", "decider", "delivery"}
    assert {lag["role"]: lag["records"] for lag in told["lags"]}["decider"] == 1
    assert told["dead_letters"] == 3
    assert told["sends"] is told["jobs"] is told["models"] is None
