"""What came of the play, counted where it ended up: sandbox, tables, views, metrics."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from chatfold import database
from chatfold.demo import enriched
from chatfold.demo.assisted import Talked
from chatfold.demo.expected import Expected
from chatfold.demo.play import Played
from chatfold.demo.received import PAGE, Reply, arrived, get
from chatfold.demo.scenes import Seen
from chatfold.demo.script import ASSISTED, TENANT
from chatfold.demo.stage import Stage
from chatfold.views import opened

TABLES: Final = (
    "chats",
    "conversations",
    "messages",
    "sessions",
    "processed_events",
    "delivery_attempts",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The demo's result; its fields are the keys of `chatfold demo --json`.

    `left_to_humans` are messages that the bot did not answer because a human had taken over,
    `sent_by_programs` those that others sent by the accounts. `doubled` are the replies that
    arrived more often than they should, also those that should not have been sent at all.
    `jobs` counts what agents did beside sending by how it ended; `cost` is in US dollars.
    """

    webhooks_posted: int
    webhooks_accepted: int
    webhooks_refused: dict[str, int]
    messages_in: int
    duplicates: int
    left_to_humans: int
    sent_by_programs: int
    replies_sent: int
    replies_received_by_sandbox: int
    replies_received_by_provider: dict[str, int]
    rows: dict[str, int]
    views: int
    e2e_ms: dict[str, float]
    scenes: dict[str, Seen] = field(default_factory=dict)
    files_stored: int = 0
    transcribed: int = 0
    documents_read: int = 0
    pictures_described: int = 0
    ai_replies: int = 0
    summaries: int = 0
    takeovers: int = 0
    tokens: int = 0
    cost: float = 0.0
    jobs: dict[str, int] = field(default_factory=dict)
    conversations: dict[str, Talked] = field(default_factory=dict)
    found_by_search: dict[str, str] = field(default_factory=dict)
    missing: list[str]
    doubled: list[str]


async def look(stage: Stage, played: Played, wanted: Expected) -> Outcome:
    """Count everything as it is now."""
    received, rows, answered, duplicates, views = await asyncio.gather(
        arrived(stage), _rows(stage), _answered(stage), _duplicates(stage), _views(stage)
    )
    counts, jobs, (tokens, cost) = await asyncio.gather(
        enriched.counts(stage), enriched.jobs(stage), enriched.paid(stage)
    )
    times = Counter(reply for reply, _ in received)
    return Outcome(
        webhooks_posted=played.posted,
        webhooks_accepted=played.statuses[200],
        webhooks_refused=played.refused,
        messages_in=answered["messages_in"],
        duplicates=duplicates,
        left_to_humans=answered["left_to_humans"],
        sent_by_programs=answered["sent_by_programs"],
        replies_sent=answered["replies_sent"],
        replies_received_by_sandbox=len(received),
        replies_received_by_provider=dict(Counter(reply[0] for reply, _ in received)),
        rows=rows,
        views=views,
        e2e_ms=_latency(received, played.posted_at),
        files_stored=counts["files_stored"],
        transcribed=counts["transcribed"],
        documents_read=counts["documents_read"],
        pictures_described=counts["pictures_described"],
        ai_replies=counts["ai_replies"],
        summaries=counts["summaries"],
        takeovers=counts["takeovers"],
        tokens=tokens,
        cost=cost,
        jobs=jobs,
        missing=[
            *_missing(wanted, times, answered, duplicates),
            *not_found(wanted, counts, jobs),
        ],
        doubled=[_more(reply, count) for reply, count in sorted((times - wanted.replies).items())],
    )


def with_surprises(outcome: Outcome, surprises: Sequence[str]) -> Outcome:
    """The outcome, with every answer that was not as it must be among what is missing."""
    return replace(outcome, missing=[*outcome.missing, *surprises])


def with_scenes(outcome: Outcome, seen: Mapping[str, Seen]) -> Outcome:
    """The outcome, with the scenes; what did not come as it must is among what is missing."""
    failed = [f"{name}: not as it must be" for name, one in seen.items() if not one.as_expected]
    return replace(outcome, scenes=dict(seen), missing=[*outcome.missing, *failed])


def with_talks(outcome: Outcome, talked: Mapping[str, Talked]) -> Outcome:
    """The outcome, with the conversations; what did not come as it must is missing."""
    failed = [f"{name}: not as it must be" for name, one in talked.items() if not one.as_expected]
    return replace(outcome, conversations=dict(talked), missing=[*outcome.missing, *failed])


async def with_search(stage: Stage, outcome: Outcome) -> Outcome:
    """The outcome, with what is found; words that are not, and files, are among the missing."""
    found, lost = await asyncio.gather(enriched.search(stage), enriched.lost_files(stage))
    missing = [*outcome.missing, *enriched.unfound(found), *lost]
    return replace(outcome, found_by_search=found, missing=missing)


def _missing(
    wanted: Expected, times: Counter[Reply], answered: Mapping[str, int], duplicates: int
) -> list[str]:
    missing = [f"reply to {_name(reply)}" for reply in sorted(wanted.replies - times)]
    counts = {
        "messages_in": len(wanted.messages),
        "left_to_humans": len(wanted.left_to_humans),
        "sent_by_programs": len(wanted.by_programs),
        "replies_sent": wanted.replies.total(),
    }
    for what, count in counts.items():
        if answered[what] != count:
            missing.append(f"{what.replace('_', ' ')}: {answered[what]} instead of {count}")
    if duplicates < wanted.duplicates:
        missing.append(f"{duplicates} duplicates dropped instead of {wanted.duplicates}")
    return missing


def not_found(wanted: Expected, counts: Mapping[str, int], jobs: Mapping[str, int]) -> list[str]:
    """What is missing of files and models: all jobs must have succeeded."""
    missing = [
        f"{what.replace('_', ' ')}: {counts[what]} instead of {count}"
        for what, count in wanted.found.items()
        if counts[what] != count
    ]
    if counts["takeovers"] < len(wanted.taken_over):
        missing.append(f"takeovers: {counts['takeovers']} instead of {len(wanted.taken_over)}")
    unfinished = (one for one in jobs.items() if one[0] != "succeeded")
    return [*missing, *(f"jobs {status}: {count}" for status, count in unfinished)]


def _more(reply: Reply, count: int) -> str:
    return f"reply to {_name(reply)}: {count} too many"


def _name(reply: Reply) -> str:
    return "/".join(reply)


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


async def _answered(stage: Stage) -> dict[str, int]:
    connection = await database.connect(stage.settings.database)
    try:
        schema = database.quoted(stage.settings.database_schema)
        row = await connection.fetchrow(
            f"""
            SELECT count(*) FILTER (WHERE origin IN ('user', 'human')) AS messages_in,
                   count(*) FILTER (
                       WHERE origin = 'bot' AND delivery_status IN ('sent', 'delivered', 'read')
                   ) AS replies_sent,
                   count(*) FILTER (WHERE origin = 'operator') AS sent_by_programs,
                   (SELECT count(*) FROM {schema}.processed_events
                    WHERE action_taken = 'ignored_paused') AS left_to_humans
            FROM {schema}.messages
            """  # noqa: S608  # a checked name
        )
        return dict(row or {})
    finally:
        await connection.close()


async def _duplicates(stage: Stage) -> int:
    text = (await get(f"{stage.roles['decider'].url}/metrics")).decode()
    samples = (
        sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "chatfold_decider_inputs_total"
    )
    return int(sum(s.value for s in samples if s.labels["result"] == "duplicate"))


async def _views(stage: Stage) -> int:
    async with opened(stage.settings) as store:
        own = [len(await store.active(one, limit=PAGE)) for one in (TENANT, ASSISTED)]
        return sum(own)


def _latency(
    received: list[tuple[Reply, datetime]], posted_at: Mapping[Reply, datetime]
) -> dict[str, float]:
    taken = sorted(
        (moment - posted_at[reply]).total_seconds() * 1000
        for reply, moment in received
        if reply in posted_at
    )
    if not taken:
        return {}
    return {
        "p50": round(taken[len(taken) // 2], 1),
        "p99": round(taken[int(len(taken) * 0.99)], 1),
    }
