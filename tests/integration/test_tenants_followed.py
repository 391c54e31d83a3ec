"""Every role follows a tenant's change on real servers, without a restart."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatfold.sandbox import Received
from chatfold.settings import Settings
from chatfold.tenancy import sealing
from schemas import codec
from schemas.content import ActionTaken
from schemas.facts import (
    DeliveryAbandoned,
    MediaDescribed,
    MediaStored,
    MessageReceived,
    MessageSent,
)
from schemas.tenants import Assistant, MediaSettings, Models
from tests.support import town as towns
from tests.support.town import ENVIRONMENT, KEYS, TENANT, Town, until


@pytest.fixture
async def town(settings: Settings, tmp_path: Path) -> AsyncIterator[Town]:
    async with towns.town(settings, tmp_path, lambda here: [here.tenant()]) as ready:
        yield ready


async def test_the_gateway_takes_a_new_secret_and_no_more_the_old_one(town: Town):
    await town.start("gateway")
    assert await town.post(town.words("Hello")) == 200
    assert await town.post(town.words("Hello"), "SECRET_TWO") == 401
    new = town.account("env:TOKEN_GOOD", "env:SECRET_TWO")
    await town.know(town.tenant(accounts=(new,)))

    async def is_taken() -> bool:
        return await town.post(town.words("Hello"), "SECRET_TWO") == 200

    await until(is_taken, "the new secret to be known")
    assert await town.post(town.words("Hello")) == 401


async def test_the_gateway_takes_a_secret_that_is_encrypted(town: Town):
    await town.start("gateway")
    assert await town.post(town.words("Hello"), "SECRET_TWO") == 401
    await town.know(town.tenant(accounts=(town.account("env:TOKEN_GOOD", sealed("SECRET_TWO")),)))

    async def is_taken() -> bool:
        return await town.post(town.words("Hello"), "SECRET_TWO") == 200

    await until(is_taken, "the encrypted secret to be known")


async def test_the_decider_takes_a_new_responder_and_new_words(town: Town):
    await town.start("gateway", "decider")
    await town.says("Hello")
    assert len(await town.answers(f"wamid.{town.said}")) == 1
    await town.know(town.tenant(responder="none", commands={"history": "/VERLAUF"}))

    async def is_silent() -> bool:
        return (await town.says("Hello")).action is ActionTaken.RECORDED

    await until(is_silent, "the new responder to be known")
    assert await town.answers(f"wamid.{town.said}") == []
    assert (await town.says("/VERLAUF")).action is ActionTaken.COMMAND
    assert (await town.says("/HISTORY")).action is ActionTaken.RECORDED


async def test_delivery_takes_a_new_credential_and_opens_an_encrypted_one(town: Town):
    await town.know(town.tenant(accounts=(town.account("env:TOKEN_OLD"),)))
    await town.start("gateway", "decider", "delivery", "projector", "api")
    await town.says("Hello")
    left = await town.fact(DeliveryAbandoned)
    assert town.taken() == []
    await town.know(town.tenant(accounts=(town.account(sealed("TOKEN_GOOD")),)))

    async def is_sent() -> bool:
        await town.ask("POST", f"/v1/deliveries/{left.reply_id}/retry")
        return bool(await town.facts(MessageSent))

    await until(is_sent, "the new credential to be used")
    assert len(town.taken()) == 1
    for log in town.folder.glob("*.log"):
        assert ENVIRONMENT["TOKEN_GOOD"] not in log.read_text().split()
        assert KEYS.partition(":")[2] not in log.read_text()


async def test_an_encrypted_credential_without_its_key_is_not_sent_and_the_log_names_the_key(
    town: Town,
):
    await town.know(town.tenant(accounts=(town.account(sealed("TOKEN_GOOD")),)))
    await town.start("gateway", "decider")
    await town.start("delivery", CHATFOLD_MASTER_KEYS=sealing.new_key("another"))
    await town.says("Hello")
    left = await town.fact(DeliveryAbandoned)
    assert left.error_code == "not_configured"
    assert town.taken() == []
    log = (town.folder / "delivery.log").read_text()
    assert "master key test is not in CHATFOLD_MASTER_KEYS" in log


async def test_the_projector_takes_the_models_and_the_prompt_and_no_reference(town: Town):
    await town.start("projector")
    models = Models(provider="groq", chat="llama-3.3-70b", api_key=sealed("TOKEN_GOOD"))
    prompt = Assistant(system_prompt="You are a bakery.")
    await town.know(town.tenant(responder="llm", models=models, assistant=prompt))

    async def row() -> list:
        return await town.rows("SELECT * FROM tenants WHERE responder = 'llm'")

    (found,) = await until(row, "the row")
    assert (found["llm_provider"], found["llm_model"]) == ("groq", "llama-3.3-70b")
    assert found["system_prompt"] == "You are a bakery."
    assert '"timeout_seconds": 60' in found["settings"]
    for part in ("enc:", "env:", "bakery"):
        assert part not in found["settings"] + found["accounts"]


async def test_the_api_shows_what_others_have_written_and_what_it_wrote_reaches_every_role(
    town: Town,
):
    await town.start("gateway", "decider", "projector", "api")
    await town.know(town.tenant(name="Acme Inc"))

    async def renamed() -> bool:
        return (await town.ask("GET", f"/v1/tenants/{TENANT}"))[1]["name"] == "Acme Inc"

    await until(renamed, "the API to know")
    _, shown = await town.ask("GET", f"/v1/tenants/{TENANT}")
    given = shown | {"responder": "none", "name": "Acme & Co"}
    status, told = await town.ask("PUT", f"/v1/tenants/{TENANT}", given)
    assert (status, told["changed"]) == (202, True)
    assert (await town.ask("GET", f"/v1/tenants/{TENANT}"))[1]["responder"] == "none"

    async def is_silent() -> bool:
        return (await town.says("Hello")).action is ActionTaken.RECORDED

    async def row() -> list:
        return await town.rows("SELECT * FROM tenants WHERE name = 'Acme & Co'")

    await until(is_silent, "the decider to know")
    await until(row, "the row")
    assert len(await town.facts(MessageReceived)) == town.said


async def test_media_takes_new_settings_and_a_new_key_of_the_models(town: Town):
    await town.start("gateway", "decider", "media")
    await town.know(town.tenant(responder="none", models=models(town, "KEY_ONE")))
    assert await town.post(town.picture()) == 200
    await town.fact(MediaStored)
    seeing = MediaSettings(describe_images=True)
    for key in ("KEY_ONE", "KEY_TWO"):
        await town.know(town.tenant(responder="none", models=models(town, key), media=seeing))
        account = ENVIRONMENT[key].partition(":")[0]

        async def is_asked(account: str = account) -> bool:
            assert await town.post(town.picture()) == 200
            return bool(list(town.box.journal.find(provider="openai", account=account)))

        await until(is_asked, f"the model to be asked with {key}")
    await town.fact(MediaDescribed, 2)


async def test_the_reply_role_takes_a_new_prompt_a_new_model_and_a_new_key(town: Town):
    await town.start("gateway", "decider", "reply")
    for key, prompt, model in (("KEY_ONE", "Be brief.", "small"), ("KEY_TWO", "Be kind.", "large")):
        given = models(town, key).model_copy(update={"chat": model})
        assistant = Assistant(system_prompt=prompt, quiet_seconds=0)
        await town.know(town.tenant(responder="llm", models=given, assistant=assistant))
        account = ENVIRONMENT[key].partition(":")[0]

        async def asked(account: str = account, model: str = model) -> list[Received]:
            await town.says("Hello")
            return list(town.box.journal.find(provider="openai", account=account, to=model))

        *_, last = await until(asked, f"the model to be asked with {key}")
        assert prompt in codec.dumps(last.body).decode()


def models(town: Town, key: str) -> Models:
    """The sandbox's models, asked with an encrypted key."""
    return Models(base_url=town.box.models_url, api_key=sealed(key))


def sealed(name: str) -> str:
    """What a variable holds, encrypted."""
    return sealing.master_keys(KEYS).seal(ENVIRONMENT[name], tenant=TENANT).reference
