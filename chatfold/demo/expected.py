"""What must come of webhooks, as a person would say who reads them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from chatfold.demo.received import Reply, reply_in
from chatfold.demo.script import Webhook, items
from providers.protocol import Item, Message, Outgoing
from providers.registry import PROVIDERS
from schemas import codec
from schemas.content import Content, MessageKind
from streams.decide.messages import is_to_be_answered

Key = tuple[str, str, str, str]
"""Provider, kind, id and chat of an item."""
Whom = tuple[str, str]
"""Provider and chat."""


@dataclass(slots=True)
class Expected:
    """What must come of all webhooks together.

    `replies` tells how often each is to arrive: a reply that cannot name what it answers looks
    like another. `by_programs` are messages that others sent by the account; `taken_over` are
    the chats in which a human speaks for the business, and `left_to_humans` the messages that
    the bot leaves to them. `kinds` counts the messages with a file that is to
    be stored by what they are, `found` what the tables must tell of files and models.
    """

    messages: set[Key] = field(default_factory=set)
    replies: Counter[Reply] = field(default_factory=Counter)
    by_programs: set[Key] = field(default_factory=set)
    duplicates: int = 0
    taken_over: set[Whom] = field(default_factory=set)
    left_to_humans: set[Key] = field(default_factory=set)
    kinds: Counter[MessageKind] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)


def expected(play: Iterable[Webhook]) -> Expected:
    """What must come of `play`, which is in each person's order."""
    told = Expected()
    seen: set[Key] = set()
    for webhook, item in _accepted(play):
        key = (webhook.provider, item.kind, item.message_id, item.platform_user_id)
        if key in seen:
            told.duplicates += 1
            continue
        seen.add(key)
        incoming = PROVIDERS[webhook.provider].parse(item.kind, item.fragment)
        if isinstance(incoming, Message):
            _hear(told, key, item, incoming)
    return told


def reply_to(provider: str, item: Item, message: Message) -> Reply:
    """What the sandbox will see of a reply, found by asking the provider for the request."""
    outgoing = Outgoing(
        account=item.account or "",
        to=item.platform_user_id,
        content=Content(kind=MessageKind.TEXT, text="…"),
        reply_to=message.platform_message_id,
        reference="",
    )
    known = PROVIDERS[provider]
    credentials = dict.fromkeys(known.required_credentials, "-")
    request = next(known.send(outgoing, credentials, "http://sandbox"))
    return reply_in(provider, codec.loads(request.body))


def _accepted(play: Iterable[Webhook]) -> Iterator[tuple[Webhook, Item]]:
    for webhook in play:
        if webhook.status == 200:
            for item in items(webhook):
                yield webhook, item


def _hear(told: Expected, key: Key, item: Item, message: Message) -> None:
    """A human's word silences the bot in the chat; else it answers what is no group's."""
    provider, whom = key[0], (key[0], item.platform_user_id)
    (told.by_programs if message.is_own else told.messages).add(key)
    if message.content.media and not message.is_history:
        told.kinds[message.content.kind] += 1
        told.found["files_stored"] += 1
        told.found["documents_read"] += message.content.kind is MessageKind.DOCUMENT
    if message.is_own or message.is_history or not is_to_be_answered(message):
        return
    if message.from_human:
        told.taken_over.add(whom)
    elif whom in told.taken_over:
        told.left_to_humans.add(key)
    else:
        told.replies[reply_to(provider, item, message)] += 1
