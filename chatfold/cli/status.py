"""`chatfold status`: at a glance, what runs, what lags and what waits for somebody."""

import asyncio
from dataclasses import asdict, dataclass

import aiohttp
import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from chatfold import database, settings
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.lags import Lag, count, lags
from chatfold.settings import Settings
from schemas import codec
from schemas.topics import Topics
from streams.topology import PORTS

TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleStatus:
    """A role on this machine: `state` is ready, not ready or not here."""

    role: str
    state: str
    reasons: list[str]
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All of it; None where the server that knows could not be asked."""

    roles: list[RoleStatus]
    lags: list[Lag]
    dead_letters: int
    sends: dict[str, int] | None


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(status)


def status(as_json: AsJson = False) -> None:
    """Show every role, how far behind it is, failed sends and dead letters.

    Roles are looked for at their usual ports on this machine; lags are those of all machines.
    """
    with explained():
        found = asyncio.run(_status(settings.load()))
    if as_json:
        print_json(asdict(found))
    else:
        _show(found)


async def _status(chosen: Settings) -> Status:
    here, behind, dead, sends = await asyncio.gather(
        asyncio.gather(*(_role(chosen, role) for role in PORTS)),
        lags(chosen.bootstrap, chosen.topic_prefix),
        count(chosen.bootstrap, Topics(chosen.topic_prefix).dead_letters),
        _sends(chosen),
    )
    return Status(roles=list(here), lags=behind, dead_letters=dead, sends=sends)


async def _role(chosen: Settings, role: str) -> RoleStatus:
    port = {"gateway": chosen.gateway_port, "api": chosen.api_port}.get(role, PORTS[role])
    url = f"http://127.0.0.1:{port}"
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url}/readyz") as answer,
        ):
            told = codec.loads(await answer.read())
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return RoleStatus(role=role, state="not here", reasons=[], url=url)
    reasons = [str(one) for one in told["reasons"]] if isinstance(told, dict) else []
    return RoleStatus(
        role=role, state="not ready" if reasons else "ready", reasons=reasons, url=url
    )


async def _sends(chosen: Settings) -> dict[str, int] | None:
    try:
        connection = await database.connect(chosen.database)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return None
    try:
        schema = database.quoted(chosen.database_schema)
        rows = await connection.fetch(
            f"SELECT outcome::text, count(*) FROM {schema}.delivery_attempts GROUP BY 1"  # noqa: S608  # a checked name
        )
    except asyncpg.UndefinedTableError:
        return None
    else:
        return {row["outcome"]: row["count"] for row in rows}
    finally:
        await connection.close()


def _show(found: Status) -> None:
    behind = {lag.role: str(lag.records) for lag in found.lags}
    table = Table("role", "state", "lag", "why", box=None)
    for one in found.roles:
        lag = behind.get(one.role, "-")
        table.add_row(one.role, one.state, lag, "; ".join(one.reasons))
    console = Console()
    console.print(table)
    sends = found.sends if found.sends is not None else {"unknown: no database": 0}
    console.print("sends: " + (", ".join(f"{k} {n}" for k, n in sends.items()) or "none yet"))
    console.print(f"dead letters: {found.dead_letters}")
