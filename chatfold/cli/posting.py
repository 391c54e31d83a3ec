"""One webhook body posted again and again, as a provider under load would."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

TIMEOUT_SECONDS: Final = 30.0
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What to post and where."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """How one post went: the status, or the error where there was no answer."""

    status: int | None
    milliseconds: float
    answer: str

    @property
    def accepted(self) -> bool:
        """Whether the gateway took it."""
        return self.status is not None and 200 <= self.status < 300


async def post_all(post: Post, *, count: int, concurrency: int) -> list[Posted]:
    """Post `count` times, `concurrency` at once, and tell how each went."""
    turns = iter(range(count))
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    connector = aiohttp.TCPConnector(limit=concurrency)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        senders = [_take_turns(session, post, turns) for _ in range(min(count, concurrency))]
        return [posted for some in await asyncio.gather(*senders) for posted in some]


async def _take_turns(
    session: aiohttp.ClientSession, post: Post, turns: Iterator[int]
) -> list[Posted]:
    return [await _post(session, post) for _ in turns]


async def _post(session: aiohttp.ClientSession, post: Post) -> Posted:
    began = time.perf_counter()
    status: int | None = None
    try:
        async with session.post(
            post.url, data=post.body, headers=post.headers, allow_redirects=False
        ) as response:
            answer = await response.text(errors="replace")
            status = response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        answer = str(error) or type(error).__name__
    milliseconds = round((time.perf_counter() - began) * 1000, 1)
    return Posted(status=status, milliseconds=milliseconds, answer=answer[:_SHOWN].strip())
