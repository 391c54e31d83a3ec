"""`chatfold tenants`: who the deployment works for."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from chatfold import clock, settings, tenancy
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.eventlog import AppendFailed, EventLog
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from chatfold.tenancy import TenantsRefused
from providers.channels import CHANNELS
from providers.registry import PROVIDERS
from schemas.envelope import Record
from schemas.tenants import Tenant
from schemas.topics import Topics

app = typer.Typer(
    name="tenants",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
    Tenants: their accounts at providers, and how their chats are answered.

    They live in a compacted topic that every role follows, so that a change needs no restart.
    Secrets are only referred to, as `env:NAME` or `file:PATH`: each role reads them where it
    runs.
    """,
)

_APPEND_SECONDS = 10.0


@app.command()
def apply(
    file: Annotated[
        Path | None, typer.Argument(help="TOML with [[tenants]] tables.", dir_okay=False)
    ] = None,
    from_env: Annotated[
        bool,
        typer.Option(
            "--from-env",
            help="Tenant `default` from WP_PHONE_ID, WP_BID, TELEGRAM_BOT_TOKEN and their secrets.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add or replace tenants; those that the file does not name stay as they are.

    Everything is checked before anything is written: a mistake names its field, and the
    exit code is 2.
    """
    with explained():
        loaded = settings.load()
        new = _from_env(loaded) if from_env else _from_file(file)
        changed = asyncio.run(_apply(loaded, new))
    if as_json:
        print_json({"changed": changed, "given": [tenant.tenant_id for tenant in new]})
        return
    for tenant in new:
        state = "applied" if tenant.tenant_id in changed else "is so already"
        Console(stderr=True).print(f"{tenant.tenant_id}: {state}", markup=False)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """Show every tenant with its accounts."""
    with explained():
        tenants = asyncio.run(_read(settings.load()))
    if as_json:
        print_json([tenant.model_dump(mode="json") for tenant in tenants])
        return
    table = Table("tenant", "name", "responder", "provider", "account", "webhook path", box=None)
    for tenant in tenants:
        head: tuple[str, str, str] = (tenant.tenant_id, tenant.name, tenant.responder)
        for account in tenant.accounts:
            hears = account.provider in PROVIDERS
            path = f"/webhooks/{account.provider}/{tenant.tenant_id}" if hears else "-"
            table.add_row(*head, account.provider, account.account, path)
            head = ("", "", "")
        if not tenant.accounts:
            table.add_row(*head, "-", "-", "-")
    Console().print(table)


@app.command()
def show(
    tenant_id: Annotated[str, typer.Argument(help="Id of the tenant.")], as_json: AsJson = False
) -> None:
    """Print one tenant with all its settings, secrets by reference."""
    with explained():
        tenant = asyncio.run(_one(tenant_id))
    print(tenant.model_dump_json(indent=None if as_json else 2))


@app.command()
def remove(tenant_id: Annotated[str, typer.Argument(help="Id of the tenant.")]) -> None:
    """Remove a tenant: its webhooks are refused from now on. Its chats stay in the log."""
    with explained():
        asyncio.run(_remove(tenant_id))
    Console(stderr=True).print(f"{tenant_id}: removed", markup=False)


def _from_env(loaded: Settings) -> list[Tenant]:
    tenant = tenancy.tenant_from_settings(loaded)
    if tenant is None:
        raise TenantsRefused("set WP_PHONE_ID or TELEGRAM_BOT_TOKEN, in the environment or .env")
    return [tenant]


def _from_file(file: Path | None) -> list[Tenant]:
    if file is None:
        raise TenantsRefused("name a file, or give --from-env")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TenantsRefused(f"{file} cannot be read: {error}") from None
    return tenancy.parse(text, CHANNELS)


async def _apply(loaded: Settings, new: list[Tenant]) -> list[str]:
    present = await _read(loaded)
    tenancy.check(new, present, CHANNELS)
    changed = [tenant for tenant in new if tenant not in present]
    await _append(loaded, [tenancy.record_of(tenant, clock.now()) for tenant in changed])
    return [tenant.tenant_id for tenant in changed]


async def _append(loaded: Settings, records: list[Record]) -> None:
    log = EventLog(loaded.bootstrap, max_pending_bytes=loaded.max_pending_bytes)
    await log.start()
    try:
        await log.append(Topics(loaded.topic_prefix).tenants, records, _APPEND_SECONDS)
    except AppendFailed as failure:
        raise Refusal(f"nothing is certain to be written, try again: {failure}") from None
    finally:
        await log.stop()


async def _read(loaded: Settings) -> list[Tenant]:
    directory = tenancy.TenantDirectory(loaded.bootstrap, Topics(loaded.topic_prefix).tenants)
    await directory.start()
    await directory.stop()
    return list(directory.snapshot.by_id.values())


async def _one(tenant_id: str) -> Tenant:
    tenants = {tenant.tenant_id: tenant for tenant in await _read(settings.load())}
    if tenant_id not in tenants:
        known = ", ".join(tenants) or "none"
        raise Refusal(f"there is no tenant {tenant_id!r}; known: {known}")
    return tenants[tenant_id]


async def _remove(tenant_id: str) -> None:
    await _one(tenant_id)
    await _append(settings.load(), [tenancy.removal_of(tenant_id)])
