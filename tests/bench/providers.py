"""One text message at each provider, as the benchmarks of the gateway and the decider post it.

WhatsApp's is the reference: a body without the ids of its users beside their numbers. The
others' are the project's own samples, of another person and with another id each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from chatfold.gateway.scribe import Scribe, time_header
from providers.registry import PROVIDERS
from schemas import codec, envelope, identity
from schemas.content import SendOutcome
from schemas.envelope import Record, Recorded
from schemas.inputs import SendReported
from tests.support import webhooks
from tests.support.fixtures import SAMPLES, load

REFERENCE: Final = "whatsapp_cloud"
ALL: Final = "all"
CHATS: Final = 5_000
BYTES: Final = 2_151

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Shape:
    """Where a sample tells who wrote, the message's name and its words; by numbers or words."""

    people: tuple[Path, ...]
    message: Path
    words: Path
    person_form: str = "{}"
    message_form: str = "SAMPLE-{}"
    is_numbered: bool = False


_INSTAGRAM: Final[Path] = ("entry", 0, "messaging", 0)
_SHAPES: Final[Mapping[str, Shape]] = {
    "telegram": Shape(
        people=(("message", "from", "id"), ("message", "chat", "id")),
        message=("message", "message_id"),
        words=("message", "text"),
        is_numbered=True,
    ),
    "greenapi": Shape(
        people=(("senderData", "chatId"), ("senderData", "sender")),
        message=("idMessage",),
        words=("messageData", "textMessageData", "textMessage"),
        person_form="{}@c.us",
    ),
    "evolution": Shape(
        people=(("data", "key", "remoteJid"),),
        message=("data", "key", "id"),
        words=("data", "message", "conversation"),
        person_form="{}@s.whatsapp.net",
    ),
    "whapi": Shape(
        people=(("messages", 0, "from"), ("messages", 0, "chat_id")),
        message=("messages", 0, "id"),
        words=("messages", 0, "text", "body"),
    ),
    "instagram": Shape(
        people=((*_INSTAGRAM, "sender", "id"),),
        message=(*_INSTAGRAM, "message", "mid"),
        words=(*_INSTAGRAM, "message", "text"),
    ),
}


def body(name: str, number: int, words: str, *, person: int) -> bytes:
    """The webhook of the `number`-th message: `words`, by one of the people."""
    if name == REFERENCE:
        told = webhooks.text(words, wamid=_whatsapp_id(number), user=str(person))
        return codec.dumps(webhooks.body(told))
    return _filled(name, number, words, person)


def padded(name: str, number: int, *, person: int) -> bytes:
    """The same with as many words as make it `BYTES` long."""
    bare = len(body(name, number, "", person=person))
    return body(name, number, "x" * (BYTES - bare), person=person)


@cache
def account(name: str) -> str:
    """The account that the provider's messages come to, the same in all of them."""
    (item,) = PROVIDERS[name].read(body(name, 1, "x", person=4915100000000))
    return item.account or "benched"


def record(name: str, number: int, words: str, *, at: datetime) -> Record:
    """The same as the gateway puts it into the inbox, from one of the people."""
    person = 4915100000000 + number % CHATS
    (item,) = PROVIDERS[name].read(body(name, number, words, person=person))
    return _scribe(name).record(item, time_header(at))


def report(name: str, number: int, *, at: datetime) -> Record:
    """What tells the decider that the reply to the `number`-th message was sent."""
    person = 4915100000000 + number % CHATS
    (item,) = PROVIDERS[name].read(body(name, number, "", person=person))
    cause = dict(_scribe(name).record(item, time_header(at)).headers)
    message_id = cause["ce_id"].decode()
    reply_id = identity.reply_id(message_id, 0)
    sent = SendReported(
        reply_id=reply_id,
        attempt=1,
        outcome=SendOutcome.SENT,
        started_at=at,
        finished_at=at,
        platform_message_id=f"wamid.sent.{number}",
        http_status=200,
    )
    return envelope.encode(
        Recorded(
            id=identity.report_id(reply_id=reply_id, attempt=1),
            time=at,
            source="/chatfold/agent/delivery",
            tenant=webhooks.TENANT,
            chat_id=cause["ce_subject"].decode(),
            causation_id=message_id,
            correlation_id=message_id,
            data=sent,
        )
    )


@cache
def _scribe(name: str) -> Scribe:
    return Scribe(PROVIDERS[name], account(name), tenant=webhooks.TENANT)


def _whatsapp_id(number: int) -> str:
    return f"wamid.HBgMNDkxNTE{number:010d}FQIAEhggMTdGNTYyQkE4QzA4MDQxRDcyMEQA"


def _filled(name: str, number: int, words: str, person: int) -> bytes:
    sample, shape = _sample(name), _SHAPES[name]
    for place in shape.people:
        _put(sample, place, person if shape.is_numbered else _form(shape, place).format(person))
    told = number if shape.is_numbered else shape.message_form.format(number)
    _put(sample, shape.message, told)
    _put(sample, shape.words, words)
    return codec.dumps(sample)


def _form(shape: Shape, place: Path) -> str:
    return "{}@s.whatsapp.net" if place[-1] == "chat_id" else shape.person_form


@cache
def _sample(name: str) -> Any:
    return load(SAMPLES / name / "text.json")


def _put(sample: Any, place: Path, value: object) -> None:
    *way, last = place
    for step in way:
        sample = sample[step]
    sample[last] = value
