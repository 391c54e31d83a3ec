"""What came of the play, counted where it ended up: sandbox, tables, views, metrics."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from chatfold import database
from chatfold.demo.play import Played
from chatfold.demo.script import TENANT, Expected, Reply, reply_in
from chatfold.demo.stage import Stage
from chatfold.views import opened
from schemas import codec

TABLES: Final = (
    "chats",
    "conversations",
    "messages",
    "sessions",
    "processed_events",
    "delivery_attempts",
)
PAGE: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The demo's result; its fields are the keys of `chatfold demo --json`."""

    webhooks_posted: int
    webhooks_accepted: int
    webhooks_refused: dict[str, int]
    messages_in: int
    duplicates: int
    replies_sent: int
    replies_received_by_sandbox: int
    rows: dict[str, int]
    views: int
    e2e_ms: dict[str, float]
    missing: list[str]
    doubled: list[str]


async def look(stage: Stage, played: Played, wanted: Expected) -> Outcome:
    """Count everything as it is now."""
    arrived, rows, answered, duplicates, views = await asyncio.gather(
        _arrived(stage), _rows(stage), _sent(stage), _duplicates(stage), _views(stage)
    )
    times = Counter(reply for reply, _ in arrived)
    return Outcome(
        webhooks_posted=played.posted,
        webhooks_accepted=played.statuses[200],
        webhooks_refused=played.refused,
        messages_in=answered["messages_in"],
        duplicates=duplicates,
        replies_sent=answered["replies_sent"],
        replies_received_by_sandbox=len(arrived),
        rows=rows,
        views=views,
        e2e_ms=_latency(arrived, played.posted_at),
        missing=_missing(wanted, times, answered["messages_in"], duplicates),
        doubled=sorted(_name(reply) for reply, count in times.items() if count > 1),
    )


def is_complete(outcome: Outcome, wanted: Expected) -> bool:
    """Whether nothing is missing, and every reply that left is recorded as sent."""
    return not outcome.missing and outcome.replies_sent == len(wanted.replies)


def with_surprises(outcome: Outcome, played: Played) -> Outcome:
    """The outcome, with every answer that was not as it must be among what is missing."""
    return replace(outcome, missing=[*outcome.missing, *played.surprises])


def _missing(
    wanted: Expected, times: Mapping[Reply, int], messages_in: int, duplicates: int
) -> list[str]:
    missing = sorted(f"reply to {_name(reply)}" for reply in wanted.replies - times.keys())
    if messages_in != len(wanted.messages):
        missing.append(f"{messages_in} messages instead of {len(wanted.messages)}")
    if duplicates < wanted.duplicates:
        missing.append(f"{duplicates} duplicates dropped instead of {wanted.duplicates}")
    return missing


def _name(reply: Reply) -> str:
    return "/".join(reply)


async def _arrived(stage: Stage) -> list[tuple[Reply, datetime]]:
    url = f"{stage.sandbox_url}/_sandbox/requests?limit={PAGE}&is_send=True&accepted=True"
    listed = codec.loads(await _get(url))
    assert isinstance(listed, dict)  # what the sandbox lists
    return [
        (reply_in(one["provider"], one["body"]), datetime.fromisoformat(one["received_at"]))
        for one in listed["requests"]
    ]


async def _rows(stage: Stage) -> dict[str, int]:
    connection = await database.connect(stage.settings.database)
    try:
        schema = database.quoted(stage.settings.database_schema)
        counts = [
            f"(SELECT count(*) FROM {schema}.{table}) AS {table}"  # noqa: S608  # our own names
            for table in TABLES
        ]
        row = await connection.fetchrow(f"SELECT {', '.join(counts)}")
        return dict(row or {})
    finally:
        await connection.close()


async def _sent(stage: Stage) -> dict[str, int]:
    connection = await database.connect(stage.settings.database)
    try:
        schema = database.quoted(stage.settings.database_schema)
        row = await connection.fetchrow(
            f"""
            SELECT count(*) FILTER (WHERE origin IN ('user', 'human')) AS messages_in,
                   count(*) FILTER (
                       WHERE origin = 'bot' AND delivery_status IN ('sent', 'delivered', 'read')
                   ) AS replies_sent
            FROM {schema}.messages
            """  # noqa: S608  # a checked name
        )
        return dict(row or {})
    finally:
        await connection.close()


async def _duplicates(stage: Stage) -> int:
    text = (await _get(f"{stage.roles['decider'].url}/metrics")).decode()
    samples = (
        sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "chatfold_decider_inputs_total"
    )
    return int(sum(s.value for s in samples if s.labels["result"] == "duplicate"))


async def _views(stage: Stage) -> int:
    async with opened(stage.settings) as store:
        return len(await store.active(TENANT, limit=PAGE))


async def _get(url: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.read()


def _latency(
    arrived: list[tuple[Reply, datetime]], posted_at: Mapping[Reply, datetime]
) -> dict[str, float]:
    taken = sorted(
        (moment - posted_at[reply]).total_seconds() * 1000
        for reply, moment in arrived
        if reply in posted_at
    )
    if not taken:
        return {}
    return {
        "p50": round(taken[len(taken) // 2], 1),
        "p99": round(taken[int(len(taken) * 0.99)], 1),
    }
