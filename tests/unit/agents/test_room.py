"""Room in memory and places are shared out, and given back."""

import asyncio

import pytest

from streams.agents.places import Places
from streams.agents.room import Room, Space
from streams.ports import Leaving
from streams.window import Left


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_came_first_is_first_and_nobody_small_overtakes():
    space, got = Space(10), []

    async def take(name: str, count: int) -> None:
        await space.take(count)
        got.append(name)

    await space.take(6)
    waiting = [asyncio.create_task(take(name, count)) for name, count in (("big", 8), ("small", 1))]
    await turn()
    assert got == []
    space.give(6)
    await turn()
    assert got == ["big", "small"]
    await asyncio.gather(*waiting)


async def test_who_gives_up_waiting_is_passed_over():
    space = Space(10)
    await space.take(10)
    first = asyncio.create_task(space.take(9))
    second = asyncio.create_task(space.take(2))
    await turn()
    first.cancel()
    await turn()
    space.give(10)
    assert await second == 2


async def test_who_is_cancelled_in_the_moment_of_his_turn_gives_it_back():
    space = Space(10)
    await space.take(10)
    waiting = asyncio.create_task(space.take(10))
    await turn()
    space.give(10)
    waiting.cancel()
    await turn()
    assert await space.take(10) == 10


async def test_what_is_larger_than_all_there_is_goes_alone():
    space = Space(10)
    assert await space.take(99) == 10


async def test_one_account_never_has_more_than_half():
    room = Room(100)
    async with room.of("busy") as one, room.of("busy") as two, room.of("other") as other:
        await one.reserve(40)
        waiting = asyncio.create_task(two.reserve(40))
        await turn()
        assert not waiting.done()
        await other.reserve(50)
        await one.reserve(0)
        await waiting


async def test_all_is_given_back_at_the_end():
    room = Room(100)
    for _ in range(3):
        async with room.of("one") as stay:
            await stay.reserve(50)
            await stay.reserve(50)


async def test_one_who_is_slow_leaves_places_to_others_and_waiting_ends_when_it_is_time_to_go():
    places, leaving = Places("models", most=3, share=2), Leaving()

    async def stay(whose: str, until: asyncio.Event) -> None:
        async with places.of(whose, leaving):
            await until.wait()

    ended = asyncio.Event()
    slow = [asyncio.create_task(stay("slow", ended)) for _ in range(3)]
    await turn()
    async with asyncio.timeout(1), places.of("quick", leaving):
        pass
    leaving.set()
    with pytest.raises(Left):
        await slow[2]
    ended.set()
    await asyncio.gather(*slow[:2])
    async with asyncio.timeout(1), places.of("slow", Leaving()), places.of("slow", Leaving()):
        pass
