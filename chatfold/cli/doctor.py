"""`chatfold doctor`: checks every server, topic, table and tenant, and says how to mend each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

import asyncpg
import typer
from redis.exceptions import RedisError
from rich.console import Console

from chatfold import blobs, handlers, migrate, settings, topics, views
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.eventlog import KafkaUnreachable
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from chatfold.tenancy import SecretMissing, Secrets, TenantDirectory
from chatfold.tenancy.references import references
from providers.channels import CHANNELS
from providers.registry import PROVIDERS
from schemas.tenants import Account, Tenant
from schemas.topics import Topics
from streams.ports import Unavailable

Check = Callable[[Settings], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, and what is wrong with it, each with the way to mend it."""

    checked: str
    problems: list[str]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(doctor)


def doctor(as_json: AsJson = False) -> None:
    """Check settings, Kafka, topics, PostgreSQL, tables, where views and files are, every tenant.

    The exit code is 1 if anything is wrong; each line says how to mend it.
    """
    with explained():
        findings = asyncio.run(_examine(settings.load()))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _show(findings)
    if any(finding.problems for finding in findings):
        raise typer.Exit(1)


async def _examine(chosen: Settings) -> list[Finding]:
    checks: dict[str, Check] = {
        "Kafka and its topics": _kafka,
        "PostgreSQL and its tables": _postgres,
        "view store": _views,
        "file storage": _files,
        "tenants": _tenants,
    }
    return [Finding(name, list(await _guarded(check, chosen))) for name, check in checks.items()]


async def _guarded(check: Check, chosen: Settings) -> Sequence[str]:
    try:
        return await check(chosen)
    except (Refusal, KafkaUnreachable) as refusal:
        return [str(refusal)]
    except (OSError, TimeoutError, asyncpg.PostgresError, RedisError) as error:
        return [f"it cannot be reached ({error!r}): start it, or name another in the settings"]


async def _kafka(chosen: Settings) -> Sequence[str]:
    return topics.sentences(await topics.verify(topics.plan(chosen)))


async def _postgres(chosen: Settings) -> Sequence[str]:
    return await migrate.verify(chosen.database, chosen.database_schema)


async def _views(chosen: Settings) -> Sequence[str]:
    async with views.opened(chosen) as store:
        stats = await store.stats()
    return (
        [] if stats["reachable"] else [f"{chosen.views} does not answer: start it, see REDIS_URL"]
    )


async def _files(chosen: Settings) -> Sequence[str]:
    try:
        await blobs.opened(chosen.media_url, chosen.home / "media").get("doctor/is/here")
    except Unavailable as away:
        return [f"{away}: see CHATFOLD_MEDIA_URL, and the variables of its credentials"]
    return []


async def _tenants(chosen: Settings) -> Sequence[str]:
    async with _directory(chosen) as directory:
        tenants = directory.snapshot.by_id.values()
        if not tenants:
            return ["there is none: run `chatfold tenants apply FILE` or `--from-env`"]
        secrets = Secrets.from_environment()
        conflicts = [
            f"{tenant.tenant_id}, account {account.account}: another tenant has it and gets all of"
            " it, remove it here"
            for tenant, account in directory.snapshot.conflicts
        ]
        return [*conflicts, *(one for tenant in tenants for one in _of_tenant(tenant, secrets))]


@asynccontextmanager
async def _directory(chosen: Settings) -> AsyncIterator[TenantDirectory]:
    directory = TenantDirectory(chosen.bootstrap, Topics(chosen.topic_prefix).tenants)
    await directory.start()
    try:
        yield directory
    finally:
        await directory.stop()


def _of_tenant(tenant: Tenant, secrets: Secrets) -> list[str]:
    of_accounts = [
        f"{tenant.tenant_id}, account {account.account}: {problem}"
        for account in tenant.accounts
        for problem in _of_account(account)
    ]
    others = [*_of_references(tenant, secrets), *_of_handlers(tenant)]
    return [*of_accounts, *(f"{tenant.tenant_id}: {one}" for one in others)]


def _of_account(account: Account) -> list[str]:
    needed = CHANNELS[account.provider].required_credentials
    problems = [
        f"credential {name} is missing" for name in needed if name not in account.credentials
    ]
    if not account.secrets and account.provider in PROVIDERS:
        problems.append("it has no secret, so that every webhook is refused")
    return problems


def _of_references(tenant: Tenant, secrets: Secrets) -> list[str]:
    problems = []
    for where, reference in references(tenant):
        try:
            secrets.resolve(reference, tenant=tenant.tenant_id)
        except SecretMissing as missing:
            problems.append(f"{where}: {missing}")
    return problems


def _of_handlers(tenant: Tenant) -> list[str]:
    problems = []
    for name in tenant.handlers:
        try:
            handlers.load(name)
        except handlers.UnknownHandler as unknown:
            problems.append(f"handler {unknown}")
    return problems


def _show(findings: Sequence[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        console.print(f"{'[red]✗[/]' if finding.problems else '[green]✓[/]'} {finding.checked}")
        for problem in finding.problems:
            console.print(f"    {problem}", markup=False)
