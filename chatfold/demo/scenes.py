"""Replies whose first attempt goes wrong on purpose, and that get there nevertheless, once each."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import aiohttp

from chatfold.demo import play, script
from chatfold.demo.expected import Expected, expected, reply_to
from chatfold.demo.play import Played
from chatfold.demo.received import Reply, arrived
from chatfold.demo.script import Webhook
from chatfold.demo.stage import Stage, Tell, output_of
from chatfold.operations import Lists, Unknown, tables
from chatfold.sandbox import Fault, FaultKind, Match
from projections.queries import Found, Wanted
from providers.protocol import Message
from providers.registry import PROVIDERS
from schemas import identity
from schemas.content import Person

WORDS: Final = "Does this reach you?"
SETTLE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Somebody writes, and the first attempt to answer meets `fault`.

    `attempts` are what must be on record in the end: where to, outcome, HTTP status and error;
    one that was confirmed later has no HTTP status. The reply must arrive once, by SMS if it
    `falls_back`. If it is `retried_by_hand`, it waits for an operator until one asks.
    """

    name: str
    provider: str
    person: int
    fault: FaultKind
    attempts: tuple[str, ...]
    retried_by_hand: bool = False
    falls_back: bool = False
    retry_after: int | None = None

    @property
    def webhook(self) -> Webhook:
        """What is said."""
        return script.said(self.person, self.provider, WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of a scene: attempts, and how often which provider received the reply."""

    attempts: list[str]
    received: dict[str, int]
    as_expected: bool


SCENES: Final = (
    Scene(
        name="retry",
        provider="whatsapp_cloud",
        person=91,
        fault=FaultKind.TOO_MANY,
        retry_after=1,
        attempts=("whatsapp failed 429 throttled", "whatsapp sent 200"),
    ),
    Scene(
        name="retry_by_operator",
        provider="telegram",
        person=92,
        fault=FaultKind.FORBIDDEN,
        retried_by_hand=True,
        attempts=("telegram failed 403 blocked_by_user", "telegram sent 200"),
    ),
    Scene(
        name="lost_answer_told_by_status",
        provider="whatsapp_cloud",
        person=93,
        fault=FaultKind.LOST_ANSWER,
        attempts=("whatsapp sent",),
    ),
    Scene(
        name="lost_answer_told_by_echo",
        provider="instagram",
        person=94,
        fault=FaultKind.LOST_ANSWER,
        attempts=("instagram sent",),
    ),
    Scene(
        name="fallback",
        provider="whapi",
        person=95,
        fault=FaultKind.FORBIDDEN,
        falls_back=True,
        attempts=("whatsapp failed 403 recipient_unreachable", "sms sent 201"),
    ),
)


def wanted(plan: list[Webhook]) -> Expected:
    """What must come of `plan` and of every scene together."""
    told = expected([*plan, *(scene.webhook for scene in SCENES)])
    for scene in SCENES:
        own, final = _replies(scene)
        told.replies -= Counter([own])
        told.replies[final] += 1
    return told


async def perform(stage: Stage, scene: Scene, played: Played, tell: Tell) -> Seen:
    """Play a scene to its end; the deadline makes an end of what does not come to one."""
    lists = Lists(tables.of_settings(stage.settings))
    timeout = aiohttp.ClientTimeout(total=play.TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        await _order(session, stage.sandbox_url, scene)
        await play.post(session, stage.gateway_url, scene.webhook, played)
    tell("sent once")
    if scene.retried_by_hand:
        waiting = await _until(lists, scene, _waits_for_operator)
        tell("an operator retries")
        await output_of(stage, "deliveries", "retry", str(waiting["reply_id"]))
    await _until(lists, scene, partial(_is_over, scene))
    seen = await _look(stage, lists, scene)
    tell("as expected" if seen.as_expected else "NOT as expected")
    return seen


async def _order(session: aiohttp.ClientSession, sandbox: str, scene: Scene) -> None:
    """Have the next attempt to this person go wrong."""
    own, _ = _replies(scene)
    fault = Fault(
        fault=scene.fault,
        match=Match(provider=scene.provider, to=own[1]),
        retry_after=scene.retry_after,
    )
    body = fault.model_dump_json()
    async with session.post(f"{sandbox}/_sandbox/faults", data=body) as answer:
        answer.raise_for_status()


async def _until(lists: Lists, scene: Scene, is_ready: Callable[[Found], bool]) -> Found:
    """The scene's delivery when it is ready, or as it is when the time is over."""
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while True:
        found = await _delivery(lists, scene)
        if is_ready(found) or asyncio.get_running_loop().time() > deadline:
            return found
        await asyncio.sleep(LOOK_SECONDS)


async def _delivery(lists: Lists, scene: Scene) -> Found:
    """The reply as the tables have it, with its attempts; of none, only that nothing is known."""
    chat = Wanted(tenant=script.TENANT, chat_id=_chat_id(scene))
    page = await lists.deliveries(chat, cursor=None, limit=1)
    found = await lists.delivery(str(page.rows[0]["reply_id"])) if page.rows else Unknown("")
    return {"reply_id": None, "waiting_for": None} if isinstance(found, Unknown) else found


def _waits_for_operator(found: Found) -> bool:
    return found["waiting_for"] == "operator"


def _is_over(scene: Scene, found: Found) -> bool:
    return tuple(_attempts(found)) == scene.attempts


async def _look(stage: Stage, lists: Lists, scene: Scene) -> Seen:
    attempts = _attempts(await _delivery(lists, scene))
    own, final = _replies(scene)
    replies = (reply for reply, _ in await arrived(stage))
    received = Counter(reply[0] for reply in replies if reply in {own, final})
    return Seen(
        attempts=attempts,
        received=dict(received),
        as_expected=tuple(attempts) == scene.attempts and received == {final[0]: 1},
    )


def _attempts(found: Found) -> list[str]:
    attempts = found.get("attempts", [])
    assert isinstance(attempts, list)
    parts = ("channel", "outcome", "http_status", "error_code")
    return [" ".join(str(one[part]) for part in parts if one[part]) for one in attempts]


def _chat_id(scene: Scene) -> str:
    (item,) = script.items(scene.webhook)
    platform, person = PROVIDERS[scene.provider].platform, item.platform_user_id
    return identity.chat_id(tenant=script.TENANT, platform=platform, platform_user_id=person)


def _replies(scene: Scene) -> tuple[Reply, Reply]:
    """The reply by the way that the person took, and by the way that it is to arrive."""
    (item,) = script.items(scene.webhook)
    message = PROVIDERS[scene.provider].parse(item.kind, item.fragment)
    assert isinstance(message, Message)  # it is said
    own = reply_to(scene.provider, item, message)
    return own, _by_sms(message.person) if scene.falls_back else own


def _by_sms(person: Person) -> Reply:
    return script.SMS, str(person.phone_e164), ""
