"""What `messages.update` tells: in one object, or as a key and what has changed."""

from dataclasses import dataclass

from providers.evolution import go, names, quantities
from providers.evolution.fields import DELETED_STATUS, STATUSES
from providers.reading import identifier, items, mapping
from schemas.content import Json, Status
from schemas.inputs import ItemKind


@dataclass(frozen=True, slots=True)
class Update:
    """A message's key, and what became of the message."""

    key: Json
    told: Json

    @property
    def word(self) -> str:
        """The status by Evolution's word or number, "" if none is told."""
        return (identifier(self.told.get("status")) or "").upper()

    @property
    def status(self) -> Status | None:
        """The status in our words."""
        return STATUSES.get(self.word)

    @property
    def new_content(self) -> Json:
        """What a message was changed into."""
        edited = mapping(mapping(self.told.get("message")).get("editedMessage"))
        return mapping(edited.get("message")) or edited

    @property
    def error(self) -> str | None:
        """WhatsApp's code for a failure."""
        parameters = items(self.told.get("messageStubParameters"))
        return identifier(parameters[0]) if parameters else None

    @property
    def kind(self) -> ItemKind:
        """What it is about.

        A vote in a poll comes with `DELETED` for want of a status; a customer's message that is
        "read" was read by the business, which is no news of a message that was sent.
        """
        if self.told.get("pollUpdates"):
            return ItemKind.SYSTEM
        if self.new_content:
            return ItemKind.EDIT
        if self.word == DELETED_STATUS or self._is_revoked():
            return ItemKind.DELETE
        is_ours = self.key.get("fromMe") is not False
        return ItemKind.STATUS if self.status and is_ours else ItemKind.SYSTEM

    def _is_revoked(self) -> bool:
        return not self.word and "message" in self.told and self.told["message"] is None


def read(data: Json) -> Update:
    """The update in `data`, which may be Evolution GO's."""
    data = go.as_update(data)
    key = mapping(data.get("key"))
    if not key:
        key = {**data, "id": data.get("keyId") or data.get("id")}
    return Update(key, mapping(data.get("update")) or data)


def name_of(update: Update) -> str | None:
    """What is unique to the update: message, status and, in a group, who tells it."""
    named, chat = names.message_of(update.key), names.chat_of(update.key)
    if named is None or chat is None:
        return None
    parts = [named, update.status.value if update.status else update.word]
    if chat.is_group and (speaker := names.speaker_of(update.key)):
        parts.append(speaker.platform_user_id)
    return ":".join(filter(None, parts))


def changed_at(update: Update) -> str:
    """What tells two changes of one message apart."""
    return str(quantities.whole(update.told.get("messageTimestamp")) or "")
