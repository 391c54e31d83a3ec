"""Posts the play: each person's webhooks in order, many people at once."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import aiohttp

from chatfold import clock
from chatfold.demo.expected import Expected, expected
from chatfold.demo.received import Reply
from chatfold.demo.script import SECRETS, Webhook
from providers.registry import PROVIDERS

TIMEOUT_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 0.12
REASONS: Final = {400: "not JSON", 401: "bad signature", 413: "too large", 503: "overloaded"}


@dataclass(slots=True)
class Played:
    """How the posting went: answers by status, and when each message was first posted."""

    statuses: Counter[int] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    posted_at: dict[Reply, datetime] = field(default_factory=dict)

    @property
    def posted(self) -> int:
        """How many webhooks were posted."""
        return self.statuses.total()

    @property
    def refused(self) -> dict[str, int]:
        """How many were refused, by reason."""
        refused = ((code, n) for code, n in self.statuses.items() if code != 200)
        return {REASONS.get(code, str(code)): count for code, count in refused}


async def play(webhooks: Iterable[Webhook], url: str, played: Played) -> None:
    """Post everything; `played` is kept up to date meanwhile."""
    people: dict[int, list[Webhook]] = defaultdict(list)
    for webhook in webhooks:
        people[webhook.person].append(webhook)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        await asyncio.gather(*(_turns(session, url, own, played) for own in people.values()))


async def _turns(
    session: aiohttp.ClientSession, url: str, webhooks: list[Webhook], played: Played
) -> None:
    for webhook in webhooks:
        for reply in _expected(webhook).replies:
            played.posted_at.setdefault(reply, clock.now())
        await post(session, url, webhook, played)
        await asyncio.sleep(PAUSE_SECONDS)


def _expected(webhook: Webhook) -> Expected:
    return expected([webhook])


async def post(session: aiohttp.ClientSession, url: str, webhook: Webhook, played: Played) -> None:
    """Post a webhook and note how that went."""
    status = await _post(session, url, webhook)
    played.statuses[status] += 1
    if status != webhook.status:
        played.surprises.append(f"{webhook.provider}: {status} instead of {webhook.status}")


async def _post(session: aiohttp.ClientSession, url: str, webhook: Webhook) -> int:
    secret = SECRETS["CHATFOLD_DEMO_SECRET"] if webhook.signed else "somebody else's"
    signature = PROVIDERS[webhook.provider].sign(webhook.body, secret)
    headers = {"content-type": "application/json", **signature}
    target = f"{url}/webhooks/{webhook.provider}"
    async with session.post(target, data=webhook.body, headers=headers) as answer:
        await answer.read()
        return answer.status
