"""`chatfold tenants`: who the deployment works for."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from chatfold import clock, settings, standing, tenancy
from chatfold.cli import acting, sealing
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.settings import Settings
from chatfold.tenancy import Register, Secrets, TenantsRefused, files, sealer
from providers.channels import CHANNELS
from providers.registry import PROVIDERS
from schemas.tenants import Tenant
from schemas.topics import Topics

app = typer.Typer(
    name="tenants",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
    Tenants: their accounts at providers, and how their chats are answered.

    They live in a compacted topic that every role follows, so that a change needs no restart.
    Secrets are never in it in clear: they are referred to, as `env:NAME` or `file:PATH`, and each
    role reads them where it runs; or they are encrypted, under a key that the roles have.
    """,
)
sealing.register(app)

_APPEND_SECONDS: Final = 10.0

TenantId = Annotated[str, typer.Argument(help="Id of the tenant.")]


@app.command()
def apply(
    file: Annotated[
        Path | None, typer.Argument(help="TOML with [[tenants]] tables.", dir_okay=False)
    ] = None,
    from_env: Annotated[
        bool,
        typer.Option(
            "--from-env",
            help="Tenant `default` from WP_PHONE_ID, WP_BID, TELEGRAM_BOT_TOKEN and their secrets;"
            " with OPENAI_API_KEY a model answers.",
        ),
    ] = False,
    echo: Annotated[
        bool,
        typer.Option("--echo", help="With --from-env: the echo answers, also where a model could."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add or replace tenants; those that the file does not name stay as they are.

    Everything is checked before anything is written: a mistake names its field, and the
    exit code is 2. A secret is written as `env:NAME` or `file:PATH`, to be read by the roles; as
    `seal:env:NAME` or `seal:file:PATH`, to be read and encrypted now; or as `tenants encrypt`
    prints it.
    """
    with explained():
        given, changed = asyncio.run(_apply(file, from_env=from_env, echo=echo))
    if as_json:
        print_json({"changed": changed, "given": given})
        return
    for tenant_id in given:
        state = "applied" if tenant_id in changed else "is so already"
        Console(stderr=True).print(f"{tenant_id}: {state}", markup=False)


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """Show every tenant with its accounts."""
    with explained():
        tenants = asyncio.run(_read())
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
def show(tenant_id: TenantId, as_json: AsJson = False) -> None:
    """Print one tenant with all its settings, secrets by reference."""
    with explained():
        tenants = {tenant.tenant_id: tenant for tenant in asyncio.run(_read())}
        if tenant_id not in tenants:
            raise _unknown(tenant_id, tenants)
    print(tenants[tenant_id].model_dump_json(indent=None if as_json else 2))


@app.command()
def remove(tenant_id: TenantId) -> None:
    """Remove a tenant: nothing more is decided and sent for it. Its log and its tables stay.

    Its webhooks are refused, or kept aside where another tenant's secret proves them. What was
    under way waits until the tenant is applied again.
    """
    with explained():
        asyncio.run(_remove(tenant_id))
    Console(stderr=True).print(f"{tenant_id}: removed", markup=False)


@app.command()
def rotate(as_json: AsJson = False) -> None:
    """Encrypt all tenants' encrypted secrets anew, under the first of the master keys.

    The exit code is 1 if one could not be opened; it is named, and the others are done.
    """
    with explained():
        rotated = asyncio.run(_rotate())
    if as_json:
        print_json({"changed": rotated.tenants, "unopened": rotated.unopened})
    else:
        console = Console(stderr=True, soft_wrap=True)
        for tenant_id in rotated.tenants:
            console.print(f"{tenant_id}: encrypted anew", markup=False)
        for wrong in rotated.unopened:
            console.print(wrong, markup=False)
    if rotated.unopened:
        raise typer.Exit(1)


@asynccontextmanager
async def _register(loaded: Settings) -> AsyncIterator[Register]:
    async with standing.tenants(loaded) as directory, standing.event_log(loaded) as log:
        with acting.explained_appends():
            yield Register(
                directory=directory,
                log=log,
                topic=Topics(loaded.topic_prefix).tenants,
                secrets=Secrets.from_environment(),
                channels=CHANNELS,
                append_seconds=_APPEND_SECONDS,
                now=clock.now,
            )


async def _apply(file: Path | None, *, from_env: bool, echo: bool) -> tuple[list[str], list[str]]:
    loaded = settings.load()
    if from_env == (file is not None):
        raise TenantsRefused("name a file, or give --from-env")
    async with _register(loaded) as register:
        new = _of_file(file, register) if file else [_of_environment(loaded, echo=echo)]
        changed = await register.put(new, acting.asker().by)
    return [tenant.tenant_id for tenant in new], list(changed)


def _of_environment(loaded: Settings, *, echo: bool) -> Tenant:
    tenant = tenancy.tenant_from_settings(loaded, echo=echo)
    if tenant is None:
        raise TenantsRefused("set WP_PHONE_ID or TELEGRAM_BOT_TOKEN, in the environment or .env")
    return tenant


def _of_file(file: Path, register: Register) -> list[Tenant]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TenantsRefused(f"{file} cannot be read: {error}") from None
    tables = sealer.sealed_tables(files.tables(text), register.tenants, register.secrets)
    return files.tenants(tables, CHANNELS)


async def _read() -> list[Tenant]:
    async with standing.tenants(settings.load()) as directory:
        return [sealer.shown(tenant) for tenant in directory.snapshot.by_id.values()]


async def _remove(tenant_id: str) -> None:
    async with _register(settings.load()) as register:
        if not await register.remove(tenant_id, acting.asker().by):
            raise _unknown(tenant_id, register.tenants.by_id)


async def _rotate() -> tenancy.Rotated:
    async with _register(settings.load()) as register:
        return await register.rotate(acting.asker().by)


def _unknown(tenant_id: str, known: Iterable[str]) -> TenantsRefused:
    return TenantsRefused(f"there is no tenant {tenant_id!r}; known: {', '.join(known) or 'none'}")
