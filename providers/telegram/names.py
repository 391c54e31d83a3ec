"""Names of chats and messages: Telegram numbers messages within a chat only.

A chat is `CHAT`, or `CONNECTION:CHAT` where the bot writes in the name of a business account:
Telegram keeps that apart from the bot's own chat with the same person, which has the same id.
A message is its chat's name, a colon and its number there.
"""

from collections.abc import Iterable, Iterator

from providers.reading import identifier, mapping
from schemas.content import Json


def chat_of(node: Json) -> str | None:
    """The name of the chat that `node` (a message or the like) belongs to."""
    chat = identifier(mapping(node.get("chat")).get("id"))
    connection = identifier(node.get("business_connection_id"))
    return f"{connection}:{chat}" if chat and connection else chat


def message_of(node: Json) -> str | None:
    """The name of the message that `node` is or points to."""
    chat, number = chat_of(node), identifier(node.get("message_id"))
    return f"{chat}:{number}" if chat and number else None


def number_in(chat: str, message: str | None) -> int | None:
    """The number of a message in `chat`, None if it is not a message of that chat."""
    place, _, number = (message or "").rpartition(":")
    return int(number) if place == chat and number.isascii() and number.isdigit() else None


def address(chat: str) -> Json:
    """The parameters that lead to a chat."""
    connection, _, number = chat.rpartition(":")
    found: Json = {"chat_id": int(number) if is_number(number) else number}
    return {"business_connection_id": connection, **found} if connection else found


def is_number(word: str) -> bool:
    """Whether a chat is named by its number, not by a public name such as @news."""
    return word.isascii() and word.removeprefix("-").isdigit() and len(word) <= 20


def first_id(*nodes: object) -> str | None:
    """The first id among users and chats."""
    return next(_ids(nodes), None)


def _ids(nodes: Iterable[object]) -> Iterator[str]:
    for node in nodes:
        if found := identifier(mapping(node).get("id")):
            yield found
