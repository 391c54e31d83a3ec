"""A sealed secret is opened by its key, for its tenant, and by nobody and for nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatfold.refusal import Refusal
from chatfold.tenancy import SecretMissing, Secrets, sealing
from schemas.tenants import Account

OLD, NEW = sealing.new_key("old"), sealing.new_key("2026-11")
KEYS = sealing.master_keys(f"{NEW},{OLD}")


def sealed(secret: str = "hush", tenant: str = "acme", keys: str = NEW) -> str:
    return sealing.master_keys(keys).seal(secret, tenant=tenant).reference


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_is_sealed_is_opened(secret: str):
    reference = sealed(secret)
    assert KEYS.open(sealing.parse(reference), tenant="acme") == secret


def test_the_first_key_seals_and_every_key_opens():
    assert KEYS.seal("hush", tenant="acme").key_id == "2026-11"
    environment = {"CHATFOLD_MASTER_KEYS": f"{NEW} , {OLD}"}
    assert Secrets(environment).resolve(sealed(keys=OLD), tenant="acme") == "hush"


def test_the_same_secret_never_looks_the_same():
    assert sealed() != sealed()


def test_a_reference_is_what_a_tenant_may_hold():
    account = {"provider": "telegram", "account": "1", "platform": "telegram"}
    made = Account.model_validate(account | {"credentials": {"bot_token": sealed()}})
    assert "hush" not in made.model_dump_json()


@pytest.mark.parametrize("tenant", ["other", "", "acme "])
def test_a_secret_cannot_be_moved_to_another_tenant(tenant: str):
    with pytest.raises(SecretMissing, match="was not sealed for tenant"):
        Secrets({"CHATFOLD_MASTER_KEYS": NEW}).resolve(sealed(), tenant=tenant)


def test_a_sealed_secret_is_no_secret_of_the_deployments_own():
    with pytest.raises(SecretMissing, match="belongs to a tenant"):
        Secrets({"CHATFOLD_MASTER_KEYS": NEW}).resolve(sealed(), tenant=None)


def test_a_missing_key_is_named_and_nothing_is_told_of_the_secret():
    reference = sealed(keys=OLD)
    with pytest.raises(SecretMissing) as missing:
        Secrets({"CHATFOLD_MASTER_KEYS": NEW}).resolve(reference, tenant="acme")
    assert "master key old is not in CHATFOLD_MASTER_KEYS" in str(missing.value)
    assert reference.rpartition(":")[2] not in str(missing.value)


def test_another_key_of_the_same_name_opens_nothing():
    with pytest.raises(SecretMissing, match="by master key old, or is damaged"):
        Secrets({"CHATFOLD_MASTER_KEYS": sealing.new_key("old")}).resolve(
            sealed(keys=OLD), tenant="acme"
        )


@given(st.integers(0), st.integers(1, 255))
def test_any_changed_byte_is_noticed(place: int, change: int):
    whole = sealing.parse(sealed())
    box = bytearray(whole.box)
    box[place % len(box)] ^= change
    with pytest.raises(sealing.CannotOpen):
        KEYS.open(sealing.Sealed(whole.key_id, bytes(box)), tenant="acme")


@pytest.mark.parametrize(
    "broken",
    ["enc:", "enc:v2:k:AAAA", "enc:v1:k", "enc:v1::AAAA", "enc:v1:k:A", "enc:v1:k:AA==", "enc:x y"],
)
def test_what_is_no_sealed_secret_is_missing_and_never_a_bug(broken: str):
    with pytest.raises(SecretMissing):
        Secrets({"CHATFOLD_MASTER_KEYS": NEW.replace("2026-11", "k")}).resolve(
            broken, tenant="acme"
        )


def test_a_sealed_secret_is_shown_by_its_key_and_told_from_others():
    one, other = sealing.shown(sealed()), sealing.shown(sealed())
    assert one.startswith("enc:…2026-11:")
    assert one != other
    assert len(one) < 30
    assert sealing.shown("env:NAME") == "env:NAME"
    assert sealing.shown("enc:rubbish") == "enc:…"


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("mistyped", "entry 1 of CHATFOLD_MASTER_KEYS is not KEYID:BASE64 of 32 bytes"),
        (f"{NEW},k:c2hvcnQ=", "entry 2 of CHATFOLD_MASTER_KEYS"),
        (f"{NEW},{NEW}", "names key 2026-11 twice"),
        ("a key:" + NEW.partition(":")[2], "entry 1"),
    ],
    ids=["no key", "a short one", "one twice", "a name with a space"],  # the keys are random
)
def test_keys_that_are_wrong_are_refused_and_not_repeated(keys: str, told: str):
    with pytest.raises(Refusal) as refused:
        Secrets({"CHATFOLD_MASTER_KEYS": keys})
    assert told in str(refused.value)
    for word in ("mistyped", "c2hvcnQ", NEW.partition(":")[2]):
        assert word not in str(refused.value)


def test_without_a_key_nothing_is_sealed():
    with pytest.raises(Refusal, match="chatfold tenants keys new"):
        Secrets({}).keys.seal("hush", tenant="acme")


def test_keys_do_not_show_in_logs():
    assert NEW.partition(":")[2] not in repr(KEYS)


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("env:CHATFOLD_MASTER_KEYS", "variable CHATFOLD_MASTER_KEYS is the deployment's own"),
        ("env:DATABASE_URL", "variable DATABASE_URL is the deployment's own"),
        ("file:/proc/self/environ", "file /proc/self/environ is no secret"),
        ("file:/tmp/../proc/self/environ", "is no secret"),
    ],
)
def test_a_tenant_cannot_have_the_deployments_own_secrets_sent_anywhere(reference: str, told: str):
    environment = {"CHATFOLD_MASTER_KEYS": NEW, "DATABASE_URL": "postgresql://"}
    with pytest.raises(SecretMissing, match=told):
        Secrets(environment).resolve(reference, tenant="acme")
