"""What the sandbox has received of replies, in the same words for every provider."""

from datetime import datetime
from typing import Final

import aiohttp

from chatfold.demo.stage import Stage
from schemas import codec

Reply = tuple[str, str, str]
"""Provider, to whom, and the id of the message that is answered."""
Path = tuple[str, ...]

PAGE: Final = 100_000
_TO: Final[tuple[Path, ...]] = (
    ("to",),
    ("recipient", "id"),
    ("recipient",),
    ("chat_id",),
    ("number",),
    ("chatId",),
    ("To",),
)
_ANSWERED: Final[tuple[Path, ...]] = (
    ("context", "message_id"),
    ("reply_parameters", "message_id"),
    ("reply_to", "mid"),
    ("quoted", "key", "id"),
    ("quoted",),
    ("quotedMessageId",),
)


async def arrived(stage: Stage) -> list[tuple[Reply, datetime]]:
    """Every reply that was taken, and when, in order."""
    url = f"{stage.sandbox_url}/_sandbox/requests?limit={PAGE}&is_send=True&accepted=True"
    listed = codec.loads(await get(url))
    assert isinstance(listed, dict)  # what the sandbox lists
    return [
        (reply_in(one["provider"], one["body"]), datetime.fromisoformat(one["received_at"]))
        for one in listed["requests"]
    ]


def reply_in(provider: str, body: object) -> Reply:
    """Which reply a request's body is: to whom, and what it answers ("" where it does not say)."""
    assert isinstance(body, dict)  # requests to send are objects at every provider
    via = body.get("business_connection_id", "")
    return provider, f"{via}{_first(body, _TO)}", _first(body, _ANSWERED)


async def get(url: str) -> bytes:
    """The body that is answered at `url`."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.read()


def _first(body: object, paths: tuple[Path, ...]) -> str:
    found = (_at(body, path) for path in paths)
    return next((one for one in found if one), "")


def _at(body: object, path: Path) -> str:
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return str(body) if isinstance(body, str | int) else ""
