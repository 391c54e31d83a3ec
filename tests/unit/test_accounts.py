"""Accounts are looked for in the newest tenants before anybody says that there is none."""

import asyncio
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from chatfold.accounts import Accounts
from chatfold.tenancy import Secrets, current
from schemas.content import Platform
from schemas.tenants import Account, Tenant
from streams.ports import Access, Unavailable


class Directory:
    """Tenants of which some are known only after catching up."""

    def __init__(self, *late: Tenant) -> None:
        self.late = late
        self.known: dict[str, Tenant] = {}
        self.caught_up = 0
        self.error: Exception | None = None

    def tenant(self, tenant_id: str) -> Tenant | None:
        return self.known.get(tenant_id)

    async def catch_up(self) -> None:
        self.caught_up += 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        self.known = {one.tenant_id: one for one in self.late}


def tenant(**credentials: str) -> Tenant:
    account = Account(
        provider="telegram", account="12", platform=Platform.TELEGRAM, credentials=credentials
    )
    return Tenant(tenant_id="acme", name="Acme", accounts=(account,))


async def access(directory: Directory, secrets: Secrets, account: str = "12") -> Access | None:
    found = Accounts(directory, secrets)
    return await found.access(tenant="acme", provider="telegram", account=account)


async def test_an_account_that_is_not_known_yet_is_found_after_catching_up() -> None:
    directory = Directory(tenant(bot_token="env:TOKEN"))
    found = await access(directory, Secrets({"TOKEN": "s3cr3t"}))
    assert found is not None
    assert found.credentials == {"bot_token": "s3cr3t"}
    assert found.missing == ()


async def test_all_who_miss_an_account_at_once_wait_for_the_same_look() -> None:
    directory = Directory(tenant())
    found = Accounts(directory, Secrets({}))
    looks = [found.access(tenant="acme", provider="telegram", account="12") for _ in range(50)]
    assert all(await asyncio.gather(*looks))
    assert directory.caught_up == 1


async def test_an_account_that_nobody_configured_is_none_and_is_looked_for_each_time() -> None:
    directory = Directory(tenant())
    found = Accounts(directory, Secrets({}))
    for times in (1, 2):
        assert await found.access(tenant="acme", provider="telegram", account="13") is None
        assert directory.caught_up == times


async def test_another_tenants_account_is_not_found() -> None:
    directory = Directory(tenant())
    found = Accounts(directory, Secrets({}))
    assert await found.access(tenant="other", provider="telegram", account="12") is None


async def test_a_credential_that_is_not_set_is_named_and_never_guessed() -> None:
    found = await access(Directory(tenant(bot_token="env:TOKEN", more="env:MORE")), Secrets({}))
    assert found is not None
    assert (found.credentials, found.missing) == ({}, ("bot_token", "more"))


@pytest.mark.parametrize("error", [KafkaConnectionError("away"), TimeoutError()])
async def test_while_the_tenants_cannot_be_read_nobody_says_that_there_is_no_account(
    error: Exception,
) -> None:
    directory = Directory(tenant())
    directory.error = error
    with pytest.raises(Unavailable):
        await access(directory, Secrets({}))


async def test_a_secret_in_a_file_is_read_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)
    file = tmp_path / "token"
    file.write_text("old\n")
    found = Accounts(Directory(tenant(bot_token=f"file:{file}")), Secrets({}))

    async def token() -> str:
        access = await found.access(tenant="acme", provider="telegram", account="12")
        assert access is not None
        return access.credentials["bot_token"]

    assert await token() == "old"
    file.write_text("new\n")
    assert await token() == "new"
