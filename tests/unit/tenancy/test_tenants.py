"""Tenants are checked as a whole, found by account, and their secrets stay where they are."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatfold import tenancy
from chatfold.settings import Settings
from chatfold.tenancy import sealing
from providers.channels import CHANNELS
from schemas.content import Platform
from schemas.tenants import Account, Fallback, MediaSettings, Models, Price, Tenant

GOOD = """
[[tenants]]
tenant_id = "acme"
name = "Acme"

[[tenants.accounts]]
provider = "whatsapp_cloud"
account = "111"
credentials = { access_token = "env:ACME_TOKEN" }
secrets = ["env:ACME_SECRET", "file:/run/secrets/acme-old"]
verify_token = "env:ACME_VERIFY"

[[tenants.accounts]]
provider = "telegram"
account = "222"
"""


def telegram(account: str) -> Account:
    return Account(provider="telegram", account=account, platform=Platform.TELEGRAM)


def tenant(tenant_id: str, *accounts: Account) -> Tenant:
    return Tenant(tenant_id=tenant_id, name=tenant_id, accounts=accounts)


def test_a_good_file_is_read_and_platforms_are_filled_in():
    (acme,) = tenancy.parse(GOOD, CHANNELS)
    tenancy.check([acme], [], CHANNELS)
    assert [one.platform for one in acme.accounts] == [Platform.WHATSAPP, Platform.TELEGRAM]
    assert acme.accounts[0].secrets == ("env:ACME_SECRET", "file:/run/secrets/acme-old")


@pytest.mark.parametrize(
    ("found", "written", "named"),
    [
        ('"acme"', '"Acme Inc"', "tenants[0].tenant_id"),
        ('name = "Acme"', "", "tenants[0].name: Field required"),
        ('"env:ACME_TOKEN"', '"EAAG-a-token"', "tenants[0].accounts.0.credentials.access_token"),
        ('"env:ACME_VERIFY"', '"word"', "tenants[0].accounts.0.verify_token"),
        ("[[tenants]]", "[[tenant]]", "[[tenants]] tables and nothing else"),
        ("[[tenants]]", "[[tenants]", "not TOML"),
        ('name = "Acme"', 'name = "Acme"\nplan = "gold"', "tenants[0].plan"),
        ('"whatsapp_cloud"', '"whatsap"', "tenants[0].accounts.0.platform"),
    ],
)
def test_a_mistake_in_a_file_names_its_field(found: str, written: str, named: str):
    with pytest.raises(tenancy.TenantsRefused) as refused:
        tenancy.parse(GOOD.replace(found, written, 1), CHANNELS)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"provider": "whatsap"},
            "accounts[0].provider: there is no provider 'whatsap'; known: e",
        ),
        ({"platform": Platform.INSTAGRAM}, "accounts[0].platform: telegram leads to telegram"),
        ({"account": ""}, "accounts[0].account: must not be empty"),
        ({"base_url": "ftp://x"}, "accounts[0].base_url: must begin with one of http"),
        ({"credentials": {"token": "env:T"}}, "token is not used; telegram uses bot_token"),
    ],
)
def test_an_account_that_cannot_work_is_refused(changes: dict[str, object], named: str):
    account = telegram("222").model_copy(update=changes)
    with pytest.raises(tenancy.TenantsRefused) as refused:
        tenancy.check([tenant("acme", account)], [], CHANNELS)
    assert named in str(refused.value)


def test_a_fallback_leads_to_an_account_of_the_tenants_own():
    way = Fallback(provider="telegram", account="333", to="1")
    acme = tenant("acme", telegram("222")).model_copy(update={"fallbacks": (way,)})
    with pytest.raises(tenancy.TenantsRefused, match="no account '333' at 'telegram'"):
        tenancy.check([acme], [], CHANNELS)
    own = acme.model_copy(update={"accounts": (telegram("222"), telegram("333"))})
    tenancy.check([own], [], CHANNELS)


def test_a_channel_that_only_sends_is_an_account_like_others():
    written = """
        [[tenants]]
        tenant_id = "acme"
        name = "Acme"
        [[tenants.accounts]]
        provider = "email"
        account = "help@acme.example"
        base_url = "smtp://smtp.acme.example:587"
        limits = { account_per_second = 2 }
        [[tenants.fallbacks]]
        provider = "email"
        account = "help@acme.example"
        to = "anna@example.com"
    """
    (acme,) = tenancy.parse(written, CHANNELS)
    tenancy.check([acme], [], CHANNELS)
    assert acme.accounts[0].platform is Platform.EMAIL


def test_an_account_of_another_tenant_is_refused_and_ones_own_may_move():
    present = [tenant("old", telegram("222"))]
    with pytest.raises(tenancy.TenantsRefused, match="222 at telegram belongs to"):
        tenancy.check([tenant("new", telegram("222"))], present, CHANNELS)
    tenancy.check([tenant("old"), tenant("new", telegram("222"))], present, CHANNELS)


def test_a_contested_account_belongs_to_one_tenant_whatever_the_order():
    first, second = tenant("a", telegram("222")), tenant("b", telegram("222"))
    for order in ([first, second], [second, first]):
        index = tenancy.Tenants(order)
        assert index.account("telegram", "222") == (first, first.accounts[0])
        assert list(index.accounts("telegram")) == [(first, first.accounts[0])]
        assert index.conflicts == [(second, second.accounts[0])]


def test_a_tenant_survives_its_record_and_the_record_is_the_same_each_time():
    (acme,) = tenancy.parse(GOOD, CHANNELS)
    now = datetime(2026, 11, 21, tzinfo=UTC)
    record = tenancy.record_of(acme, now)
    assert record == tenancy.record_of(acme, now)
    assert record.key == b"acme"
    assert tenancy.tenant_of(record.value) == acme


def test_the_single_tenant_comes_from_the_usual_variables():
    settings = Settings(
        _env_file=None,
        wp_access_token="EAAG",
        wp_phone_id="111",
        wp_bid="999",
        wp_app_secret="hush",
        wp_verify_token="word",
        telegram_bot_token="222:ABC",
        telegram_secret_token="quiet",
    )
    made = tenancy.tenant_from_settings(settings, telegram_url="http://127.0.0.1:9")
    tenancy.check([made], [], CHANNELS)
    assert [(one.provider, one.account) for one in made.accounts] == [
        ("whatsapp_cloud", "111"),
        ("whatsapp_cloud", "999"),
        ("telegram", "222"),
    ]
    assert "EAAG" not in made.model_dump_json()
    assert "hush" not in repr(settings)
    assert made.accounts[2].base_url == "http://127.0.0.1:9"


def test_without_the_usual_variables_there_is_no_single_tenant():
    assert tenancy.tenant_from_settings(Settings(_env_file=None)) is None


def test_secrets_come_from_variables_and_files(tmp_path: Path):
    (tmp_path / "secret").write_text("from a file\n")
    secrets = tenancy.Secrets({"NAME": "from a variable"})
    assert secrets.resolve("env:NAME", tenant="acme") == "from a variable"
    assert secrets.resolve(f"file:{tmp_path}/secret", tenant="acme") == "from a file"


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ("env:ABSENT", "variable ABSENT is not set, or is empty"),
        ("env:EMPTY", "variable EMPTY is not set, or is empty"),
        ("file:/nowhere/secret", "file /nowhere/secret cannot be read: No such file"),
        ("plain", "`env:NAME` or `file:PATH`"),
    ],
)
def test_a_missing_secret_names_where_it_was_looked_for(reference: str, named: str):
    with pytest.raises(tenancy.SecretMissing) as missing:
        tenancy.Secrets({"EMPTY": ""}).resolve(reference, tenant="acme")
    assert named in str(missing.value)


def test_an_empty_file_is_no_secret(tmp_path: Path):
    (tmp_path / "secret").write_text(" \n")
    with pytest.raises(tenancy.SecretMissing, match="is empty"):
        tenancy.Secrets({}).resolve(f"file:{tmp_path}/secret", tenant="acme")


def test_a_changed_file_is_noticed_and_one_that_vanishes_keeps_its_word(tmp_path: Path):
    file = tmp_path / "secret"
    file.write_text("old")
    secrets = tenancy.Secrets({})
    assert secrets.resolve(f"file:{file}", tenant="acme") == "old"
    assert not secrets.refresh()
    file.write_text("new")
    assert secrets.refresh()
    file.unlink()
    assert not secrets.refresh()
    assert secrets.resolve(f"file:{file}", tenant="acme") == "new"


def test_a_dotenv_file_fills_in_what_the_environment_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / ".env").write_text("ONE=file\nTWO=file\n")
    monkeypatch.setenv("TWO", "environment")
    secrets = tenancy.Secrets.from_environment(tmp_path / ".env")
    assert [secrets.resolve(f"env:{name}", tenant=None) for name in ("ONE", "TWO")] == [
        "file",
        "environment",
    ]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"responder": "llm"}, "acme: responder: llm needs a table [tenants.models]"),
        ({"responder": "handler"}, "acme: responder: handler needs a name in `handlers`"),
        (
            {"media": MediaSettings(describe_images=True)},
            "acme: media.describe_images: needs a table [tenants.models]",
        ),
        (
            {"models": Models(api_key="env:CHATFOLD_MASTER_KEYS")},
            "acme: models.api_key: variable CHATFOLD_MASTER_KEYS is the deployment's own",
        ),
        (
            {"models": Models(api_key="enc:x")},
            "acme: models.api_key: it is not enc:v1:KEYID:BASE64",
        ),
        (
            {"models": Models(base_url="https://user:word@models.example/v1")},
            "acme: models.base_url: must hold no password",
        ),
    ],
)
def test_what_cannot_answer_or_cannot_be_read_is_refused(changes: dict, named: str):
    with pytest.raises(tenancy.TenantsRefused) as refused:
        tenancy.check([tenant("acme").model_copy(update=changes)], [], CHANNELS)
    assert named in str(refused.value)
    assert "word@" not in str(refused.value)


def test_models_of_any_name_and_price_may_answer_and_look():
    models = Models(chat="a-model", prices={"another-model": Price(tokens_in=1.5)})
    whole = tenant("acme").model_copy(
        update={
            "responder": "llm",
            "models": models,
            "media": MediaSettings(describe_images=True),
        }
    )
    tenancy.check([whole], [], CHANNELS)


def test_what_another_tenants_key_sealed_is_refused_where_the_key_is_known():
    keys = sealing.master_keys(sealing.new_key("k"))
    theirs = keys.seal("hush", tenant="other").reference
    thief = tenant("acme").model_copy(update={"models": Models(api_key=theirs)})
    with pytest.raises(tenancy.TenantsRefused, match=r"models.api_key: it was not sealed for"):
        tenancy.check([thief], [], CHANNELS, keys)
    tenancy.check([thief], [], CHANNELS)  # without the key nobody here can tell


def test_with_a_key_of_openai_the_single_tenant_has_models_that_answer():
    settings = Settings(_env_file=None, wp_phone_id="111", openai_api_key="sk-hush")
    made = tenancy.tenant_from_settings(settings)
    tenancy.check([made], [], CHANNELS)
    assert (made.responder, made.models) == ("llm", Models())
    assert made.models.api_key == "env:OPENAI_API_KEY"
    assert "sk-hush" not in made.model_dump_json()
    assert "sk-hush" not in repr(settings)
    echo = tenancy.tenant_from_settings(settings, echo=True)
    assert (echo.responder, echo.models) == ("echo", Models())


def test_the_single_tenants_models_may_be_another_services():
    settings = Settings(
        _env_file=None,
        wp_phone_id="111",
        openai_api_key="none",
        openai_base_url="http://127.0.0.1:11434/v1",
        openai_model="llama3.2",
    )
    models = tenancy.tenant_from_settings(settings).models
    assert (models.provider, models.base_url) == ("other", "http://127.0.0.1:11434/v1")
    assert (models.chat, models.vision) == ("llama3.2", "llama3.2")


def test_without_a_key_of_openai_the_single_tenant_echoes():
    made = tenancy.tenant_from_settings(Settings(_env_file=None, wp_phone_id="111"))
    assert (made.responder, made.models) == ("echo", None)
