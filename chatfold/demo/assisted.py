"""Conversations with a model: files that it is told of, a burst, a summary, a takeover."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, cast

import aiohttp

from chatfold.demo import files, play, script
from chatfold.demo.expected import Expected, expected
from chatfold.demo.play import Played
from chatfold.demo.received import arrived, get
from chatfold.demo.script import Webhook
from chatfold.demo.stage import Stage, Tell, output_of
from chatfold.operations import Lists, Unknown, tables
from projections.queries import Found
from providers.registry import PROVIDERS
from schemas import codec, identity
from schemas.content import MessageKind

PROVIDER: Final = "whatsapp_cloud"
SPOKEN: Final = "Please keep two zucchini for me."
SEEN: Final = "A lighthouse on a cliff in the evening."
CAPTION: Final = "The new pier"
MEANWHILE: Final = "My table is the one by the window"
NOTED: Final = MappingProxyType(
    {
        "said": "media_transcript",
        "written": "extracted_media_content",
        "seen": "image_description",
        "summary": "conversation_summary",
    }
)
"""What the tables note of a conversation, and in which column."""
SETTLE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.5

_ASKED_TO_DESCRIBE: Final = "what this picture shows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """How a conversation stands: the chat as the tables have it, and all that models were asked."""

    chat: Found
    asked: str


Is = Callable[[Now], bool]


def at_once(_now: Now) -> bool:
    """Nothing but the answer is waited for."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What is said in one go, and when that is over.

    One reply comes to the last of it if it `is_answered`, `by_model` or by a command; `resumes`
    has an operator let the bot answer again.
    """

    what: str
    says: tuple[Webhook, ...] = ()
    is_answered: bool = True
    by_model: bool = True
    resumes: bool = False
    is_over: Is = at_once


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A conversation, beat by beat."""

    name: str
    person: int
    beats: tuple[Beat, ...]

    @property
    def chat_id(self) -> str:
        """The id of its chat."""
        (item,) = script.items(_said(self.person, "?", 99))
        return identity.chat_id(
            tenant=script.ASSISTED,
            platform=PROVIDERS[PROVIDER].platform,
            platform_user_id=item.platform_user_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Talked:
    """What came of a conversation, beat by beat, and what was `noted` of it."""

    steps: list[str]
    noted: dict[str, str] = field(default_factory=dict)
    as_expected: bool


def talks() -> tuple[Talk, ...]:
    """All of them; they go on at the same time."""
    return _with_files(81), _with_summary(82), _with_takeover(83)


def webhooks() -> list[Webhook]:
    """All that is said in them."""
    return [one for talk in talks() for beat in talk.beats for one in beat.says]


def add_to(told: Expected) -> None:
    """Add what must come of them."""
    for talk in talks():
        for beat in talk.beats:
            _add(told, beat)
        told.found["summaries"] += any(beat.is_over is _is_summed_up for beat in talk.beats)


def _add(told: Expected, beat: Beat) -> None:
    own = expected(beat.says)
    told.messages |= own.messages
    told.by_programs |= own.by_programs
    told.taken_over |= own.taken_over
    told.found += own.found
    told.found["transcribed"] += own.kinds[MessageKind.VOICE]
    told.found["pictures_described"] += own.kinds[MessageKind.IMAGE]
    if beat.is_answered:
        told.replies += expected(beat.says[-1:]).replies
        told.found["ai_replies"] += beat.by_model
    elif not own.taken_over:
        told.left_to_humans |= own.messages


async def prepare(stage: Stage) -> None:
    """Have the models hear and see what is sought afterwards."""
    heard = files.OF_KIND[MessageKind.VOICE].digest.hex()
    sayings = ({"sha256": heard, "say": SPOKEN}, {"to": _ASKED_TO_DESCRIBE, "say": SEEN})
    async with aiohttp.ClientSession() as session:
        for one in sayings:
            url = f"{stage.sandbox_url}/_sandbox/sayings"
            async with session.post(url, data=codec.dumps(one)) as answer:
                answer.raise_for_status()


async def perform(stage: Stage, talk: Talk, played: Played, tell: Tell) -> Talked:
    """Have a conversation; the deadline makes an end of what does not come to one."""
    steps: list[str] = []
    timeout = aiohttp.ClientTimeout(total=play.TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for beat in talk.beats:
            tell(beat.what)
            if beat.resumes:
                await output_of(stage, "chats", "resume", talk.chat_id)
            for webhook in beat.says:
                await play.post(session, stage.gateway_url, webhook, played)
            if not await _is_over_in_time(stage, talk, beat):
                tell(f"NOT {beat.what}")
                return Talked(steps=[*steps, f"NOT {beat.what}"], as_expected=False)
            steps.append(beat.what)
    tell("as expected")
    return Talked(steps=steps, noted=await _noted(stage, talk), as_expected=True)


async def _is_over_in_time(stage: Stage, talk: Talk, beat: Beat) -> bool:
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        if await _is_over(stage, talk, beat):
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False


async def _is_over(stage: Stage, talk: Talk, beat: Beat) -> bool:
    """Whether all that is to come of a beat has come."""
    wanted = expected(beat.says[-1:]).replies if beat.is_answered else {}
    replies = {reply for reply, _ in await arrived(stage)}
    if not wanted.keys() <= replies:
        return False
    chat = await _chat(stage, talk)
    asked = await get(f"{stage.sandbox_url}/_sandbox/requests?provider=openai")
    return not isinstance(chat, Unknown) and beat.is_over(Now(chat=chat, asked=asked.decode()))


async def _chat(stage: Stage, talk: Talk) -> Found | Unknown:
    return await Lists(tables.of_settings(stage.settings)).chat(talk.chat_id)


async def _noted(stage: Stage, talk: Talk) -> dict[str, str]:
    """What was found in the files of a conversation, and what it was about."""
    chat = await _chat(stage, talk)
    if isinstance(chat, Unknown):
        return {}
    rows = *cast(list[Found], chat["messages"]), *cast(list[Found], chat["conversations"])
    told = ((name, one.get(column)) for one in rows for name, column in NOTED.items())
    return {name: str(words) for name, words in told if words}


def _with_files(person: int) -> Talk:
    picture = _sample(person, "image")
    body = picture.body.replace(b'"This one"', codec.dumps(CAPTION))
    says = _sample(person, "voice"), _sample(person, "document"), replace(picture, body=body)
    read = "a voice note, a PDF and a picture understood, and answered once"
    return Talk(name="files", person=person, beats=(Beat(what=read, says=says, is_over=_is_read),))


def _with_summary(person: int) -> Talk:
    burst = ("Have you marmalade?", "And bread?", "And when do you close?")
    return Talk(
        name="conversation",
        person=person,
        beats=(
            Beat(what="answered by the model", says=(_said(person, "Good morning!", 1),)),
            Beat(
                what="three messages answered once",
                says=tuple(_said(person, words, at) for at, words in enumerate(burst, 2)),
            ),
            Beat(
                what="closed and summed up",
                says=(_said(person, script.FAREWELL, 5),),
                by_model=False,
                is_over=_is_summed_up,
            ),
        ),
    )


def _with_takeover(person: int) -> Talk:
    return Talk(
        name="takeover",
        person=person,
        beats=(
            Beat(what="answered by the model", says=(_said(person, "A table for two?", 1),)),
            Beat(
                what="taken over by a human",
                says=(_sample(person, "echo"),),
                is_answered=False,
                is_over=_is_paused,
            ),
            Beat(
                what="left to the human",
                says=(_said(person, MEANWHILE, 2),),
                is_answered=False,
                is_over=_is_heard,
            ),
            Beat(
                what="resumed by an operator",
                is_answered=False,
                resumes=True,
                is_over=_is_resumed,
            ),
            Beat(
                what="answered by the model, which knows what was said meanwhile",
                says=(_said(person, "Is it free at eight?", 3),),
                is_over=_is_known,
            ),
        ),
    )


def _said(person: int, words: str, number: int) -> Webhook:
    return _here(script.said(person, PROVIDER, words, number))


def _sample(person: int, name: str) -> Webhook:
    return _here(script.sample(person, PROVIDER, name))


def _here(webhook: Webhook) -> Webhook:
    """The webhook, at the account for which a model answers."""
    elsewhere, here = script.ACCOUNTS[PROVIDER].encode(), script.ASSISTED_ACCOUNT.encode()
    told = replace(webhook, body=webhook.body.replace(elsewhere, here))
    return files.at_sandbox(told, "")


def _messages(now: Now) -> Iterator[Found]:
    yield from cast(list[Found], now.chat["messages"])


def _is_read(now: Now) -> bool:
    found = ("media_transcript", "extracted_media_content", "image_description")
    return all(any(one[what] for one in _messages(now)) for what in found)


def _is_summed_up(now: Now) -> bool:
    told = (one["conversation_summary"] for one in cast(list[Found], now.chat["conversations"]))
    return any(told) and bool(now.chat["last_conversation_summary"])


def _is_paused(now: Now) -> bool:
    return bool(now.chat["is_paused"])


def _is_resumed(now: Now) -> bool:
    return not _is_paused(now)


def _is_heard(now: Now) -> bool:
    return any(one["text_content"] == MEANWHILE for one in _messages(now))


def _is_known(now: Now) -> bool:
    return MEANWHILE in now.asked
