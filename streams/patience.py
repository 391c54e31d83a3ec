"""Trying again until a server that we depend on is back, or until it is time to leave."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Final, TypeVar

from streams.ports import Leaving, Unavailable
from streams.window import Left

T = TypeVar("T")

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 3.0
"""Soon enough after an outage, and 200 waiting orders still are one statement each time."""


async def until_available(attempt: Callable[[], Awaitable[T]], leaving: Leaving) -> T:
    """What `attempt` gives once it does not raise `Unavailable`; raises `Left`.

    It is tried at least once.
    """
    for pause in _pauses():
        try:
            return await attempt()
        except Unavailable:
            if await _is_set_within(leaving, pause):
                break
    raise Left


async def pause(seconds: float, leaving: Leaving) -> None:
    """Return after `seconds`; raises `Left` if it is time to leave before."""
    if await _is_set_within(leaving, seconds):
        raise Left


async def unless_leaving(wanted: Coroutine[None, None, T], leaving: Leaving) -> T:
    """What `wanted` gives; cancelled, it raises `Left`, once it is time to leave."""
    wanting, going = asyncio.ensure_future(wanted), asyncio.ensure_future(leaving.wait())
    try:
        await asyncio.wait([wanting, going], return_when=asyncio.FIRST_COMPLETED)
        if wanting.done():
            return wanting.result()
        raise Left
    finally:
        going.cancel()
        wanting.cancel()


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(pause * 2, LONGEST_PAUSE)


async def _is_set_within(leaving: Leaving, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await leaving.wait()
    except TimeoutError:
        return False
