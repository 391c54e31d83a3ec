"""What operators write for a secret ends as a sealed one, and what stands there may stay."""

import pytest

from chatfold.refusal import Refusal
from chatfold.tenancy import Secrets, Tenants, TenantsRefused, files, sealer, sealing
from chatfold.tenancy.references import references
from providers.channels import CHANNELS
from schemas.tenants import Tenant

FILE = """
[[tenants]]
tenant_id = "acme"
name = "Acme"
[[tenants.accounts]]
provider = "telegram"
account = "222"
credentials = { bot_token = "seal:env:TOKEN" }
secrets = ["seal:file:{file}", "env:OTHER"]
[tenants.models]
api_key = "seal:env:KEY"
"""
PLACE = "accounts[telegram/222].credentials.bot_token"
ONE, TWO = sealing.new_key("one"), sealing.new_key("two")


def secrets(keys: str = ONE, **changed: str) -> Secrets:
    return Secrets({"TOKEN": "222:t", "KEY": "sk-k", "CHATFOLD_MASTER_KEYS": keys} | changed)


@pytest.fixture
def text(tmp_path) -> str:
    (tmp_path / "secret").write_text("from a file\n")
    return FILE.replace("{file}", str(tmp_path / "secret"))


def applied(text: str, known: Secrets, *present: Tenant) -> Tenant:
    tables = sealer.sealed_tables(files.tables(text), Tenants(present), known)
    (tenant,) = files.tenants(tables, CHANNELS)
    return tenant


def test_what_is_to_be_sealed_is_read_and_encrypted_for_its_tenant(text: str):
    known = secrets()
    tenant = applied(text, known)
    found = dict(references(tenant))
    assert [known.resolve(one, tenant="acme") for one in found.values() if "OTHER" not in one] == [
        "222:t",
        "from a file",
        "sk-k",
    ]
    assert all(one.startswith("enc:v1:one:") or one == "env:OTHER" for one in found.values())
    for secret in ("222:t", "from a file", "sk-k"):
        assert secret not in tenant.model_dump_json()


def test_applied_again_it_is_the_same_until_the_secret_or_the_key_is_another(text: str):
    first = applied(text, secrets())
    assert applied(text, secrets(), first) == first
    other = applied(text, secrets(TOKEN="222:new"), first)
    assert dict(references(other))[PLACE] != dict(references(first))[PLACE]
    assert dict(references(other))["models.api_key"] == dict(references(first))["models.api_key"]
    newer = applied(text, secrets(f"{TWO},{ONE}"), first)
    assert dict(references(newer))[PLACE].startswith("enc:v1:two:")


def test_what_cannot_be_read_is_named_with_its_place(text: str):
    with pytest.raises(TenantsRefused, match=r"acme: .*bot_token: variable TOKEN is not set"):
        applied(text, secrets(TOKEN=""))


def test_without_a_master_key_nothing_is_sealed(text: str):
    with pytest.raises(Refusal, match="there is no master key"):
        applied(text, secrets(""))


def test_the_deployments_own_secrets_are_not_sealed_for_a_tenant(text: str):
    with pytest.raises(TenantsRefused, match="is the deployment's own"):
        applied(text.replace("env:TOKEN", "env:CHATFOLD_MASTER_KEYS"), secrets())


def test_a_plain_secret_is_refused_with_the_ways_and_not_repeated(text: str):
    with pytest.raises(TenantsRefused) as refused:
        applied(text.replace("seal:env:TOKEN", "222:plain"), secrets())
    said = str(refused.value)
    assert "accounts.0.credentials.bot_token: is no reference to a secret" in said
    for way in ("env:NAME", "file:PATH", "chatfold tenants encrypt", "seal:env:NAME"):
        assert way in said
    assert "222:plain" not in said


def test_a_shown_tenant_given_back_is_the_tenant(text: str):
    tenant = applied(text, secrets())
    shown = sealer.shown(tenant)
    assert "enc:v1" not in shown.model_dump_json()
    assert sealer.kept(shown, tenant) == tenant


def test_a_shown_secret_that_moved_is_still_the_same(text: str):
    both = text.replace('"env:OTHER"', '"seal:env:TOKEN"')
    tenant = applied(both, secrets())
    shown = sealer.shown(tenant)
    (account,) = shown.accounts
    less = shown.model_copy(
        update={"accounts": (account.model_copy(update={"secrets": account.secrets[1:]}),)}
    )
    (kept,) = sealer.kept(less, tenant).accounts
    assert kept.secrets == tenant.accounts[0].secrets[1:]


def test_a_table_without_a_name_is_left_to_be_refused():
    tables = sealer.sealed_tables([{"accounts": []}, 5], Tenants(), secrets())
    with pytest.raises(TenantsRefused, match="tenant_id"):
        files.tenants(tables, CHANNELS)
