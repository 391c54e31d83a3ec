"""Evolution GO: another program of the same makers, with other names for the same things.

Its webhooks are read (messages, receipts, what befalls groups and the connection); its sending
API is another one, which this provider does not speak.
"""

from typing import Final

from providers.reading import identifier, items, mapping, text
from schemas.content import Json

_GROUP: Final = "@g.us"
_RECEIPTS: Final = {"read": "READ", "played": "PLAYED", "delivered": "DELIVERY_ACK"}


def account_of(body: Json) -> str | None:
    """The instance that GO names by id."""
    return identifier(body.get("instanceName")) or identifier(body.get("instanceId"))


def as_message(data: Json) -> Json:
    """A message in the words of Evolution v2; `data` as it is where it is not GO's."""
    info = mapping(data.get("Info"))
    if not info:
        return data
    is_group = info.get("IsGroup") is True
    from_me = info.get("IsFromMe") is True
    key: Json = {
        "remoteJid": info.get("Chat"),
        "fromMe": from_me,
        "id": info.get("ID"),
        "participant": info.get("Sender") if is_group else None,
        "participantAlt": info.get("SenderAlt") if is_group else None,
        "remoteJidAlt": None if is_group else info.get("RecipientAlt" if from_me else "SenderAlt"),
    }
    return {
        "key": {name: one for name, one in key.items() if one is not None},
        "pushName": info.get("PushName"),
        "message": data.get("Message"),
        "messageType": info.get("Type"),
        "messageTimestamp": info.get("Timestamp"),
    }


def receipts(body: Json) -> list[object]:
    """A receipt's data once for each message that it is about; `State` is the body's word."""
    data = mapping(body.get("data"))
    named = items(data.get("MessageIDs"))
    return [{**data, "MessageIDs": [one], "State": body.get("state")} for one in named]


def as_update(data: Json) -> Json:
    """A receipt in the words of Evolution v2; `data` as it is where it is not GO's.

    GO tells of the one who read: where that is the business itself, it read the customer's.
    """
    named = items(data.get("MessageIDs"))
    if not named:
        return data
    told = (text(data.get("Type")) or text(data.get("State")) or "").lower()
    chat = text(data.get("Chat")) or ""
    return {
        "keyId": named[0],
        "remoteJid": chat,
        "fromMe": data.get("IsFromMe") is not True,
        "participant": data.get("Sender") if chat.endswith(_GROUP) else None,
        "status": _RECEIPTS.get(told, told),
        "timestamp": data.get("Timestamp"),
    }
