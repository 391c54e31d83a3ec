"""Tenants written by the command are known to every role, without a restart."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chatfold import tenancy, topics
from chatfold.cli import tenants as command
from chatfold.eventlog import EventLog, KafkaUnreachable
from chatfold.settings import Settings
from chatfold.tenancy.references import references
from schemas import codec
from schemas.content import Platform
from schemas.envelope import Record
from schemas.tenants import Account, Tenant
from schemas.topics import Topics
from tests.support import servers as support
from tests.support.records import held

FILE = """
[[tenants]]
tenant_id = "acme"
name = "Acme"
[[tenants.accounts]]
provider = "telegram"
account = "222"
secrets = ["env:ACME_SECRET"]
"""


def tenant(tenant_id: str, name: str = "N") -> Tenant:
    account = Account(provider="telegram", account=tenant_id, platform=Platform.TELEGRAM)
    return Tenant(tenant_id=tenant_id, name=name, accounts=(account,))


@contextlib.asynccontextmanager
async def followed(settings: Settings) -> AsyncIterator[tenancy.TenantDirectory]:
    directory = tenancy.TenantDirectory(settings.bootstrap, Topics(settings.topic_prefix).tenants)
    await directory.start()
    try:
        yield directory
    finally:
        await directory.stop()


async def write(settings: Settings, *records: Record) -> None:
    log = EventLog(settings.bootstrap, max_pending_bytes=1_000_000)
    await log.start()
    await log.append(Topics(settings.topic_prefix).tenants, records, 5)
    await log.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)


async def test_all_tenants_are_known_at_start_and_changes_arrive(settings: Settings):
    await topics.apply(topics.plan(settings))
    now = command.clock.now()
    await write(settings, *(tenancy.record_of(tenant(f"t{n}"), now) for n in range(100)))
    async with followed(settings) as directory:
        changes: list[int] = []
        directory.on_change(lambda: changes.append(directory.version))
        assert len(directory.snapshot.by_id) == 100
        assert directory.account("telegram", "t7")[0] == directory.tenant("t7")
        await write(settings, tenancy.record_of(tenant("t7", "renamed"), now))
        await until(lambda: directory.tenant("t7").name == "renamed")
        await write(settings, tenancy.removal_of("t7"))
        await until(lambda: directory.tenant("t7") is None)
        assert directory.account("telegram", "t7") is None
        assert changes == sorted(set(changes))
        assert directory.is_following


async def test_a_record_that_is_no_tenant_is_left_out(settings: Settings):
    await topics.apply(topics.plan(settings))
    good = tenancy.record_of(tenant("good"), command.clock.now())
    await write(settings, Record(b"bad", b'{"tenant_id":"BAD"}', []), good)
    async with followed(settings) as directory:
        assert list(directory.snapshot.by_id) == ["good"]


async def test_without_topics_the_start_says_what_to_run(settings: Settings):
    with pytest.raises(tenancy.TenantsUnreadable, match="chatfold topics apply"):
        async with followed(settings):
            pass


async def test_without_kafka_the_start_names_the_setting(settings: Settings):
    nowhere = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:9"})
    with pytest.raises(KafkaUnreachable, match="CHATFOLD_KAFKA_BOOTSTRAP"):
        async with followed(nowhere):
            pass


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    asyncio.run(topics.apply(topics.plan(settings)))
    for name, value in support.environment(settings).items():
        monkeypatch.setenv(name, value)
    return settings


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(command.app, [str(one) for one in arguments])
    assert "Traceback" not in result.output
    return result.exit_code, result.stdout, result.stderr


def test_tenants_are_applied_listed_shown_and_removed(environment: Settings, tmp_path: Path):
    file = tmp_path / "tenants.toml"
    file.write_text(FILE)
    assert run("apply", file)[::2] == (0, "acme: applied\n")
    assert run("apply", file)[::2] == (0, "acme: is so already\n")
    records = asyncio.run(held(environment.bootstrap, Topics(environment.topic_prefix).tenants))
    assert len(records) == 1
    assert "/webhooks/telegram/acme" in run("list")[1].replace("\n", "")
    (listed,) = codec.loads(run("list", "--json")[1].encode())
    assert listed == codec.loads(run("show", "acme")[1].encode())
    assert listed["accounts"][0]["secrets"] == ["env:ACME_SECRET"]
    assert run("remove", "acme")[0] == 0
    assert run("list", "--json")[1] == "[]\n"
    assert run("show", "acme")[0] == 2


def test_one_wrong_tenant_and_none_is_written(environment: Settings, tmp_path: Path):
    file = tmp_path / "tenants.toml"
    file.write_text(FILE + FILE.replace("acme", "other").replace("222", ""))
    code, _, said = run("apply", file)
    assert code == 2
    assert "other: accounts[0].account: must not be empty" in said
    assert run("list", "--json")[1] == "[]\n"


def test_the_single_tenant_is_applied_from_the_environment(
    environment: Settings, monkeypatch: pytest.MonkeyPatch
):
    assert run("apply", "--from-env")[0] == 2
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "222:ABC")
    assert run("apply", "--from-env")[0] == 0
    (listed,) = codec.loads(run("list", "--json")[1].encode())
    assert listed["tenant_id"] == "default"
    assert listed["accounts"][0]["credentials"] == {"bot_token": "env:TELEGRAM_BOT_TOKEN"}


def test_nothing_to_apply_and_no_such_file_are_refused(environment: Settings):
    assert "name a file" in run("apply")[2]
    assert "cannot be read" in run("apply", "/nowhere/tenants.toml")[2]


@pytest.fixture
def keys(environment: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    code, key, said = run("keys", "new", "--id", "one")
    assert (code, key.partition(":")[0]) == (0, "one")
    assert key.strip() not in said
    monkeypatch.setenv("CHATFOLD_MASTER_KEYS", key.strip())
    return key.strip()


def encrypted(secret: str, tenant_id: str = "acme") -> str:
    result = CliRunner().invoke(command.app, ["encrypt", tenant_id], input=secret + "\n")
    assert result.exit_code == 0, result.output
    assert secret not in result.output
    return result.stdout.strip()


def written(environment: Settings) -> bytes:
    records = asyncio.run(held(environment.bootstrap, Topics(environment.topic_prefix).tenants))
    return b"".join(record.value or b"" for record in records)


def test_secrets_are_encrypted_shown_by_their_key_and_opened_by_it_alone(
    environment: Settings, keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ACME_TOKEN", "222:a-long-token")
    reference = encrypted("a long secret")
    file = tmp_path / "tenants.toml"
    file.write_text(
        FILE.replace("env:ACME_SECRET", reference)
        + 'credentials = { bot_token = "seal:env:ACME_TOKEN" }'
    )
    assert run("apply", file)[::2] == (0, "acme: applied\n")
    assert run("apply", file)[::2] == (0, "acme: is so already\n")
    shown = run("show", "acme")[1] + run("list", "--json")[1]
    assert "enc:…one:" in shown
    assert reference not in shown
    log = written(environment)
    for secret in (b"a long secret", b"222:a-long-token", keys.encode()):
        assert secret not in log
    assert tenants(environment) == ["222:a-long-token", "a long secret"]


def tenants(environment: Settings) -> list[str]:
    """The secrets of tenant acme, as a role reads them."""

    async def read() -> list[str]:
        async with followed(environment) as directory:
            known = tenancy.Secrets.from_environment()
            found = references(directory.tenant("acme"))
            return [known.resolve(one, tenant="acme") for _, one in found]

    return asyncio.run(read())


def test_a_rotation_encrypts_all_anew_and_the_old_key_can_go(
    environment: Settings, keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "tenants.toml"
    other = FILE.replace("acme", "other").replace("222", "333")
    file.write_text(
        FILE.replace("env:ACME_SECRET", encrypted("hush"))
        + other.replace("env:ACME_SECRET", "env:OTHER")
    )
    assert run("apply", file)[0] == 0
    new = run("keys", "new", "--id", "two")[1].strip()
    monkeypatch.setenv("CHATFOLD_MASTER_KEYS", f"{new},{keys}")
    code, _, said = run("rotate")
    assert (code, said) == (0, "acme: encrypted anew\n")
    assert run("rotate")[::2] == (0, "")
    monkeypatch.setenv("CHATFOLD_MASTER_KEYS", new)
    assert tenants(environment) == ["hush"]


def test_a_rotation_without_a_key_names_what_it_cannot_open(
    environment: Settings, keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "tenants.toml"
    file.write_text(FILE.replace("env:ACME_SECRET", encrypted("hush")))
    assert run("apply", file)[0] == 0
    monkeypatch.setenv("CHATFOLD_MASTER_KEYS", run("keys", "new", "--id", "two")[1].strip())
    code, _, said = run("rotate")
    assert code == 1
    assert "acme: accounts[telegram/222].secrets[0]: master key one is not in" in said


def test_what_was_encrypted_for_another_tenant_is_refused(
    environment: Settings, keys: str, tmp_path: Path
):
    file = tmp_path / "tenants.toml"
    file.write_text(FILE.replace("env:ACME_SECRET", encrypted("hush", "other")))
    code, _, said = run("apply", file)
    assert code == 2
    assert "it was not sealed for tenant acme by master key one" in said
    assert written(environment) == b""


def test_without_a_master_key_a_secret_is_not_even_read(environment: Settings):
    result = CliRunner().invoke(command.app, ["encrypt", "acme"], input="hush\n")
    assert result.exit_code == 2
    assert "chatfold tenants keys new" in result.stderr.replace("\n", " ")


def test_a_plain_secret_is_refused_and_appears_nowhere(environment: Settings, tmp_path: Path):
    file = tmp_path / "tenants.toml"
    file.write_text(FILE.replace("env:ACME_SECRET", "a plain secret"))
    code, out, said = run("apply", file)
    assert code == 2
    assert "is no reference to a secret" in said
    assert "a plain secret" not in out + said
    assert written(environment) == b""


def test_a_model_answers_the_single_tenant_unless_the_echo_shall(
    environment: Settings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WP_PHONE_ID", "111")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hush")
    for words, responder in (((), "llm"), (("--echo",), "echo")):
        assert run("apply", "--from-env", *words)[0] == 0
        shown = codec.loads(run("show", "default")[1].encode())
        assert shown["responder"] == responder
        assert shown["models"]["api_key"] == "env:OPENAI_API_KEY"
    assert b"sk-hush" not in written(environment)
