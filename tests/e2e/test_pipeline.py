"""All roles together, under load, while things die."""

import asyncio
import os
import random
import signal

import pytest

from chatfold.demo import stage
from tests.support import pipeline
from tests.support.servers import throw_away

RUNS = int(os.environ.get("CHATFOLD_FAULT_RUNS", "1"))
ROLES = ("gateway", "decider", "delivery", "projector", "views")


@pytest.mark.timeout(300 + 60 * RUNS)
async def test_any_role_may_be_killed_at_any_moment_under_load(servers):
    chance = random.Random(7)
    async with pipeline.everything(servers, stage.Stack(servers)) as standing:
        provider = pipeline.Provider(standing, people=20)
        for _ in range(RUNS):
            for role in ROLES:
                await provider.more(chance.randrange(20, 60))
                pipeline.kill(standing, role)
                pipeline.restart(standing, role)
        await provider.stop()
        await pipeline.settled(standing, provider.accepted)
        await pipeline.assert_nothing_is_wrong(standing, provider)


async def test_two_of_each_share_the_work_while_one_is_frozen_and_revived(servers):
    async with pipeline.everything(servers, stage.Stack(servers)) as standing:
        provider = pipeline.Provider(standing, people=20)
        for role in ("decider", "delivery", "projector", "views"):
            pipeline.restart(standing, role, second=f"second {role}")
        await provider.more(100)
        for role in ("decider", "delivery", "projector", "views"):
            standing.roles[role].process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(15)  # past every session time-out: this is what is tested
        for role in ("decider", "delivery", "projector", "views"):
            standing.roles[role].process.send_signal(signal.SIGCONT)
        await provider.more(100)
        for role in ("decider", "delivery", "projector", "views"):
            standing.roles[f"second {role}"].process.send_signal(signal.SIGTERM)
        await provider.more(100)
        await provider.stop()
        await pipeline.settled(standing, provider.accepted, seconds=90)
        await pipeline.assert_nothing_is_wrong(standing, provider)


async def test_the_servers_may_go_and_come_back_under_load():
    with throw_away() as stack:
        async with pipeline.everything(stack.settings, stack) as standing:
            provider = pipeline.Provider(standing, people=20)
            await provider.more(100)
            await asyncio.to_thread(stack.kafka.stop)
            refused = provider.statuses[503]
            await asyncio.sleep(4)
            accepted = len(provider.accepted)
            await asyncio.sleep(4)
            assert provider.statuses[503] > refused
            assert len(provider.accepted) == accepted
            await asyncio.to_thread(stack.kafka.start)
            await provider.more(100)
            await asyncio.to_thread(stack.postgres.stop)
            await asyncio.sleep(10)
            await asyncio.to_thread(stack.postgres.start)
            await asyncio.to_thread(stack.valkey.kill)
            await asyncio.to_thread(stack.valkey.start)
            await provider.more(100)
            await provider.stop()
            await pipeline.settled(standing, provider.accepted, seconds=120)
            await pipeline.assert_nothing_is_wrong(standing, provider)
            await pipeline.assert_views_are_back(standing, people=20)


async def test_every_message_of_one_large_body_is_decided_and_answered(servers):
    async with pipeline.everything(servers, stage.Stack(servers)) as standing:
        accepted = await pipeline.post_one_body(standing, messages=900, words=1000)
        await pipeline.settled(standing, accepted, seconds=120)
        summary = await pipeline.sandbox(standing)
        assert (summary["references"], summary["doubled_references"]) == (900, {})


async def test_one_webhook_ten_times_at_once_is_one_message_and_one_reply(servers):
    async with pipeline.everything(servers, stage.Stack(servers)) as standing:
        once = await asyncio.gather(
            *(pipeline.post_one_body(standing, messages=1, words=5) for _ in range(10))
        )
        await pipeline.settled(standing, once[0])
        assert (await pipeline.sandbox(standing))["accepted"] == 1
