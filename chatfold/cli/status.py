"""`chatfold status`: at a glance, what runs, what lags and what waits for somebody."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from chatfold import dead_letters, settings
from chatfold.cli.output import AsJson, dollars, explained, print_json
from chatfold.lags import Lag, lags
from chatfold.operations import TablesAway, tables
from chatfold.settings import Settings
from schemas import codec
from streams.topology import PORTS

TIMEOUT_SECONDS = 2.0

_SENDS: Final = "SELECT outcome::text AS what, count(*) FROM delivery_attempts GROUP BY 1"
_JOBS: Final = """
SELECT status::text AS what, count(*) FROM processing_jobs
WHERE status <> 'succeeded' AND status <> 'discarded' GROUP BY 1
"""
_MODELS: Final = """
SELECT w.what, w.count FROM (
    SELECT count(*) AS calls, coalesce(sum(tokens_in), 0) AS tokens_in,
           coalesce(sum(tokens_out), 0) AS tokens_out,
           coalesce(sum(cost_micros), 0) AS cost_micros,
           count(*) FILTER (WHERE cost_micros IS NULL) AS without_price
    FROM model_calls WHERE NOT reused AND called_at >= now() - interval '24 hours') c
CROSS JOIN LATERAL (
    VALUES ('calls', c.calls), ('tokens_in', c.tokens_in), ('tokens_out', c.tokens_out),
           ('cost_micros', c.cost_micros), ('without_price', c.without_price)) w (what, count)
"""


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
    jobs: dict[str, int] | None
    models: dict[str, int] | None


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(status)


def status(as_json: AsJson = False) -> None:
    """Show every role, how far behind it is, sends, jobs, what models cost, and dead letters.

    Roles are looked for at their usual ports on this machine; lags are those of all machines.
    """
    with explained():
        found = asyncio.run(_status(settings.load()))
    if as_json:
        print_json(asdict(found))
    else:
        _show(found)


async def _status(chosen: Settings) -> Status:
    here, behind, dead, told = await asyncio.gather(
        asyncio.gather(*(_role(chosen, role) for role in PORTS)),
        lags(chosen.bootstrap, chosen.topic_prefix),
        dead_letters.count_open(chosen),
        asyncio.gather(*(_counts(chosen, query) for query in (_SENDS, _JOBS, _MODELS))),
    )
    sends, jobs, models = told
    return Status(
        roles=list(here), lags=behind, dead_letters=dead, sends=sends, jobs=jobs, models=models
    )


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


async def _counts(chosen: Settings, query: str) -> dict[str, int] | None:
    """What the tables tell; None where they cannot be asked, or would need too long."""
    try:
        async with tables.of_settings(chosen)() as connection:
            return {row["what"]: row["count"] for row in await connection.fetch(query)}
    except TablesAway:
        return None


def _show(found: Status) -> None:
    behind = {lag.role: str(lag.records) for lag in found.lags}
    table = Table("role", "state", "lag", "why", box=None)
    for one in found.roles:
        lag = behind.get(one.role, "-")
        table.add_row(one.role, one.state, lag, "; ".join(one.reasons))
    console = Console()
    console.print(table)
    console.print(f"sends: {_told(found.sends, 'none yet')}")
    console.print(f"jobs: {_told(found.jobs, 'none open, none failed')}")
    console.print(f"models, last 24 h: {_told(found.models and _cost(found.models), 'not asked')}")
    console.print(f"dead letters: {found.dead_letters}")


def _told(counts: Mapping[str, object] | None, nothing: str) -> str:
    if counts is None:
        return "unknown: the tables cannot be asked"
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or nothing


def _cost(models: Mapping[str, int]) -> Mapping[str, object]:
    """With the sum in dollars; calls of no known price are named where there are any."""
    if not models["calls"]:
        return {}
    shown = {name: count for name, count in models.items() if name != "cost_micros" and count}
    return {**shown, "cost": dollars(models["cost_micros"])}
