"""Tenants by the API: references go in and out, secrets do not come out."""

import pytest

from chatfold.eventlog import AppendFailed
from chatfold.tenancy import sealing, tenant_of
from schemas import codec
from schemas.content import Platform
from schemas.tenants import Account, Models, Tenant
from tests.support.operators import EVE, Office

KEYS = sealing.new_key("k1")
SEALED = sealing.master_keys(KEYS).seal("222:hush", tenant="acme").reference
PATH = "/v1/tenants/acme"
ACME = Tenant(
    tenant_id="acme",
    name="Acme",
    accounts=(
        Account(
            provider="telegram",
            account="222",
            platform=Platform.TELEGRAM,
            credentials={"bot_token": SEALED},
            secrets=("env:ACME", "file:/run/secrets/acme"),
        ),
    ),
)
GIVEN = {
    "tenant_id": "new",
    "name": "New",
    "accounts": [{"provider": "telegram", "account": "333"}],
}


def office() -> Office:
    return Office(tenants=[ACME], keys=KEYS)


def written(here: Office) -> list[Tenant]:
    return [tenant_of(record.value) for record in here.tenants.records]


async def test_tenants_are_listed_and_shown_without_what_is_sealed():
    here = office()
    _, _, listed = await here.get("/v1/tenants")
    _, _, shown = await here.get(PATH)
    assert listed == {"tenants": [shown]}
    (account,) = shown["accounts"]
    assert account["credentials"]["bot_token"] == sealing.shown(SEALED)
    assert account["credentials"]["bot_token"].startswith("enc:…k1")
    assert account["secrets"] == ["env:ACME", "file:/run/secrets/acme"]
    assert SEALED not in codec.dumps([listed, shown]).decode()


async def test_a_tenant_is_applied_once_and_known_at_once():
    here = office()
    for changed in (True, False):
        status, _, told = await here.ask("PUT", "/v1/tenants/new", GIVEN)
        assert (status, told) == (202, {"tenant_id": "new", "changed": changed})
    (tenant,) = written(here)
    assert tenant.accounts[0].platform is Platform.TELEGRAM
    assert (await here.get("/v1/tenants/new"))[2]["name"] == "New"


async def test_what_was_shown_can_be_given_back_and_keeps_its_secrets():
    here = office()
    _, _, shown = await here.get(PATH)
    _, _, told = await here.ask("PUT", PATH, shown)
    assert told["changed"] is False
    await here.ask("PUT", PATH, shown | {"name": "Acme Inc"})
    assert written(here) == [ACME.model_copy(update={"name": "Acme Inc"})]


async def test_a_viewer_sees_tenants_and_changes_none():
    here = office()
    assert (await here.get(PATH, EVE))[0] == 200
    for method, path, given in (
        ("PUT", PATH, {"tenant_id": "acme", "name": "A"}),
        ("DELETE", PATH, None),
        ("POST", f"{PATH}/secrets", {"secret": "x"}),
    ):
        assert (await here.ask(method, path, given, EVE))[0] == 403
    assert here.tenants.records == []


@pytest.mark.parametrize(
    ("given", "field", "text"),
    [
        ({"tenant_id": "other"}, "tenant_id", "the address names 'new'"),
        ({"plan": "gold"}, "plan", "Extra inputs are not permitted"),
        ({"responder": "llm"}, "responder", "llm needs a table"),
        ({"models": {"api_key": "sk-plain"}}, "models.api_key", "is no reference to a secret"),
        ({"models": {"api_key": "seal:env:KEY"}}, "models.api_key", "is no reference to a secret"),
        ({"models": {"api_key": "file:/etc/passwd"}}, "models.api_key", "a file of the roles"),
        (
            {"models": {"api_key": "env:CHATFOLD_API_TOKENS"}},
            "models.api_key",
            "variable CHATFOLD_API_TOKENS is the deployment's own",
        ),
        ({"models": {"api_key": "enc:…k1:12345678"}}, "models.api_key", "it is not enc:v1"),
        ({"models": {"api_key": SEALED}}, "models.api_key", "it was not sealed for tenant new"),
        (
            {"accounts": [{"provider": "telegram", "account": "222"}]},
            "accounts",
            "belongs to acme already",
        ),
        (
            {"accounts": [{"provider": "nobody", "account": "1", "platform": "telegram"}]},
            "accounts[0].provider",
            "there is no provider 'nobody'",
        ),
    ],
)
async def test_a_tenant_that_cannot_be_so_is_refused_by_field(given, field, text):
    here = office()
    status, _, told = await here.ask("PUT", "/v1/tenants/new", GIVEN | given)
    assert (status, told["type"]) == (422, "urn:chatfold:problem:invalid-request")
    (error,) = told["errors"]
    assert error["field"] == field
    assert text in error["text"]
    assert "sk-plain" not in codec.dumps(told).decode()
    assert here.tenants.records == []


async def test_a_file_that_a_command_has_named_stays():
    here = office()
    _, _, shown = await here.get(PATH)
    status, _, _ = await here.ask("PUT", PATH, shown | {"responder": "none"})
    assert status == 202
    assert written(here)[0].accounts[0].secrets == ACME.accounts[0].secrets


async def test_a_removed_tenant_is_gone_and_an_unknown_one_is_not_found():
    here = office()
    assert (await here.ask("DELETE", PATH))[2] == {"tenant_id": "acme"}
    (record,) = here.tenants.records
    assert (record.key, record.value) == (b"acme", None)
    for method in ("DELETE", "GET"):
        assert (await here.ask(method, PATH))[0] == 404


async def test_a_secret_is_encrypted_for_its_tenant_and_nothing_is_kept():
    here = office()
    status, _, told = await here.post(f"{PATH}/secrets", {"secret": "sk-hush"})
    assert status == 200
    assert here.register.secrets.resolve(told["reference"], tenant="acme") == "sk-hush"
    assert here.tenants.records == []
    models = {"models": {"api_key": told["reference"]}}
    await here.ask("PUT", PATH, {"tenant_id": "acme", "name": "A"} | models)
    assert written(here)[0].models == Models(api_key=told["reference"])


async def test_without_a_master_key_the_way_is_told():
    status, _, told = await Office().post(f"{PATH}/secrets", {"secret": "hush"})
    assert (status, told["type"]) == (409, "urn:chatfold:problem:no-master-key")
    assert "chatfold tenants keys new" in told["detail"]


@pytest.mark.parametrize("given", [{}, {"secret": ""}, {"secret": 5}, {"secret": "x" * 16_385}])
async def test_what_is_no_secret_is_refused_and_not_repeated(given):
    status, _, told = await office().post(f"{PATH}/secrets", given)
    assert status == 422
    assert "xx" not in codec.dumps(told).decode()


async def test_while_kafka_is_away_nothing_is_applied_and_all_is_shown():
    here = office()
    here.tenants.failure = AppendFailed("away")
    for method, given in (("PUT", {"tenant_id": "acme", "name": "A"}), ("DELETE", None)):
        status, headers, told = await here.ask(method, PATH, given)
        assert (status, headers["retry-after"]) == (503, "5")
        assert told["type"] == "urn:chatfold:problem:log-unavailable"
    assert (await here.get(PATH))[2]["name"] == "Acme"
