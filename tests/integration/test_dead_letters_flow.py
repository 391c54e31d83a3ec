"""A poison fact holds up its chat and nobody else: what others say is seen within a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from chatfold import database
from chatfold.settings import Settings
from schemas.envelope import Recorded
from schemas.facts import Fact, MessageReceived
from tests.support import facts, poison, projecting, viewing
from tests.support.poison import Grave

SECONDS = 1.0
ROUND = 25  # facts at a time
FIRST = 200

Seen = Callable[[Recorded[Fact]], Awaitable[bool]]


@asynccontextmanager
async def into_tables(settings: Settings, is_poison: poison.IsPoison, way: str):
    broken = poison.WAYS[way](is_poison)
    connection = await database.connect(settings.database)

    async def seen(fact: Recorded[Fact]) -> bool:
        newest = await connection.fetchval(
            f"SELECT max(last_seq) FROM {settings.database_schema}.messages WHERE chat_id = $1",
            fact.chat_id,
        )
        return (newest or 0) >= fact.sequence

    try:
        async with projecting.consuming(settings, broken, Grave().bury):
            yield seen
    finally:
        await connection.close()


@asynccontextmanager
async def into_views(settings: Settings, is_poison: poison.IsPoison, way: str):
    broken = viewing.WAYS[way](is_poison)
    async with projecting.viewing(settings, Grave().bury, **broken) as (_, store):

        async def seen(fact: Recorded[Fact]) -> bool:
            found = await store.get(fact.tenant, fact.chat_id)
            return found is not None and found.seq >= fact.sequence

        yield seen


STORES = {"tables": into_tables, "views": into_views}


def messages(log: list[Recorded[Fact]], victim: Recorded[Fact], lasting: set) -> list:
    """What was said in other chats that nobody else goes on for."""
    return [
        one
        for one in log
        if isinstance(one.data, MessageReceived)
        and one.chat_id != victim.chat_id
        and (one.tenant, one.chat_id) in lasting
    ]


async def seen_after(seen: Seen, wanted: list[Recorded[Fact]]) -> float:
    began = time.monotonic()
    async with asyncio.timeout(30):
        for fact in wanted:
            while not await seen(fact):
                await asyncio.sleep(0.01)
    return time.monotonic() - began


@pytest.mark.parametrize("way", ["undecodable", "unfoldable", "unwritable"])
@pytest.mark.parametrize("store", STORES)
async def test_others_are_seen_within_a_second_while_a_chat_waits_behind_a_poison_fact(
    settings: Settings, store: str, way: str
) -> None:
    log = projecting.recently(facts.log(331, chats=6, facts=450))
    lasting = set(projecting.folded(log))
    victim = next(
        one
        for one in log[FIRST:]
        if isinstance(one.data, MessageReceived) and (one.tenant, one.chat_id) in lasting
    )
    waits = [one for one in log if one.chat_id == victim.chat_id]
    waits = [one for one in waits if one.sequence >= victim.sequence]
    await projecting.prepare(settings)
    async with STORES[store](settings, lambda fact_id: fact_id == victim.id, way) as seen:
        await projecting.append(settings, log[:FIRST])
        await seen_after(seen, messages(log[:FIRST], victim, lasting))
        for start in range(FIRST, len(log), ROUND):
            part = log[start : start + ROUND]
            await projecting.append(settings, part, seed=start)
            assert await seen_after(seen, messages(part, victim, lasting)) < SECONDS
        assert len(waits) > 1
        assert not await seen(waits[-1])
