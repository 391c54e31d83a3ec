"""`messages`: what was said, by whom, and how it fares."""

from typing import Final

from projections.rows import (
    NOTHING,
    RANKS,
    Cell,
    Columns,
    Standing,
    Write,
    count,
    identifier,
    is_uuid,
    json,
    size,
    text,
)
from projections.rules import Writes, on
from schemas import facts
from schemas.content import Content, Media, Origin, Status
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE: Final = "messages"

_ACTORS: Final = {Origin.USER: "user", Origin.SYSTEM: "system"}
_FOUND: Final = {
    facts.MediaTranscribed: "media_transcript",
    facts.MediaTextExtracted: "extracted_media_content",
    facts.MediaDescribed: "image_description",
}
_PENDING: Final = Standing(attempt=0, rank=RANKS["pending"])

_Sent = facts.MessageSent | facts.MessageSendConfirmed
_Next = facts.RetryStarted | facts.RetryRequested | facts.FallbackChosen
_Found = facts.MediaTranscribed | facts.MediaTextExtracted | facts.MediaDescribed


def _received(recorded: Recorded[Fact], fact: facts.MessageReceived) -> Writes:
    assigned: dict[str, Cell] = {
        "conversation_id": fact.conversation_id,
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "number": fact.number,
        "user_number": fact.user_number,
        "actor": _ACTORS.get(fact.origin, "business"),
        "origin": fact.origin,
        "speaker": text(fact.speaker),
        "platform_timestamp": fact.platform_timestamp,
        "reply_to": text(fact.reply_to),
    }
    assigned.update(_content(fact.content))
    initial: Columns = {"created_at": recorded.time}
    kept = {"platform_message_id": identifier(fact.platform_message_id)}
    return (Write(TABLE, (fact.message_id,), recorded.sequence, assigned, initial, None, kept),)


def _imported(recorded: Recorded[Fact], fact: facts.MessageImported) -> Writes:
    """A message that was there already stays as it is."""
    first: dict[str, Cell] = {
        "conversation_id": fact.conversation_id,
        "tenant_id": recorded.tenant,
        "number": fact.number,
        "actor": _ACTORS.get(fact.origin, "business"),
        "origin": fact.origin,
        "speaker": text(fact.speaker),
        "platform_timestamp": fact.platform_timestamp,
        "reply_to": text(fact.reply_to),
        "created_at": recorded.time,
    }
    first.update(_content(fact.content))
    known: Columns = {"chat_id": recorded.chat_id}
    kept = {"platform_message_id": identifier(fact.platform_message_id)}
    return (Write(TABLE, (fact.message_id,), recorded.sequence, known, first, None, kept),)


def _generated(recorded: Recorded[Fact], fact: facts.ReplyGenerated) -> Writes:
    assigned: dict[str, Cell] = {
        "conversation_id": fact.conversation_id,
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "number": fact.number,
        "actor": _ACTORS.get(fact.origin, "business"),
        "origin": fact.origin,
        "reply_to": text(fact.in_reply_to),
        "handler": text(fact.handler),
        "received_at": fact.received_at,
    }
    assigned.update(_content(fact.content))
    initial: Columns = {"created_at": recorded.time}
    return (Write(TABLE, (fact.reply_id,), recorded.sequence, assigned, initial, _PENDING),)


def _edited(recorded: Recorded[Fact], fact: facts.MessageEdited) -> Writes:
    """What is not said of the file anew stays as it was found: most edits are of the caption."""
    unsaid = ("media_mime", "media_sha256", "media_size")
    columns = _content(fact.content)
    said = {k: value for k, value in columns.items() if value is not None or k not in unsaid}
    return _patch(recorded, fact.message_id, {**said, "edited_at": recorded.time})


def _deleted(recorded: Recorded[Fact], fact: facts.MessageDeleted) -> Writes:
    return _patch(recorded, fact.message_id, {"deleted_at": recorded.time})


def _sent(recorded: Recorded[Fact], fact: _Sent) -> Writes:
    standing = _standing(fact.attempt, "sent")
    return _named(recorded, fact.reply_id, fact.platform_message_id, standing)


def _echoed(recorded: Recorded[Fact], fact: facts.EchoRecognised) -> Writes:
    return _named(recorded, fact.reply_id, fact.platform_message_id, None)


def _named(
    recorded: Recorded[Fact], reply_id: str, name: str | None, standing: Standing | None
) -> Writes:
    """The name of the first attempt that got one stays; each attempt's own is in its row."""
    kept: Columns = {} if name is None else {"platform_message_id": identifier(name)}
    known: Columns = {"chat_id": recorded.chat_id}
    return (Write(TABLE, (reply_id,), recorded.sequence, known, None, standing, kept),)


def _failed(recorded: Recorded[Fact], fact: facts.MessageSendFailed) -> Writes:
    standing = _standing(fact.attempt, "failed", fact.error_code, fact.error_message)
    return _patch(recorded, fact.reply_id, NOTHING, standing)


def _unconfirmed(recorded: Recorded[Fact], fact: facts.MessageSendUnconfirmed) -> Writes:
    standing = _standing(fact.attempt, "saved_only", fact.error_code, fact.error_message)
    return _patch(recorded, fact.reply_id, NOTHING, standing)


def _withheld(recorded: Recorded[Fact], fact: facts.MessageSendWithheld) -> Writes:
    standing = _standing(fact.attempt, "saved_only", fact.error_code)
    return _patch(recorded, fact.reply_id, NOTHING, standing)


def _goes_on(recorded: Recorded[Fact], fact: _Next) -> Writes:
    return _patch(recorded, fact.reply_id, NOTHING, _standing(fact.attempt, "pending"))


def _template(recorded: Recorded[Fact], fact: facts.TemplateChosen) -> Writes:
    told = {"name": fact.template, "language": fact.language, "with_words": fact.with_words}
    return _patch(recorded, fact.reply_id, {"json_content": json({"template": told})})


def _reported(recorded: Recorded[Fact], fact: facts.MessageStatusReported) -> Writes:
    if not is_uuid(fact.message_id):
        return ()
    deleted = {"deleted_at": recorded.time} if fact.status is Status.DELETED else NOTHING
    standing = _standing(fact.attempt, fact.status, fact.error_code, fact.error_message)
    return _patch(recorded, fact.message_id, deleted, standing)


def _stored(recorded: Recorded[Fact], fact: facts.MediaStored) -> Writes:
    stored = fact.stored
    columns: Columns = {
        "media_key": text(stored.key),
        "media_mime": text(stored.mime),
        "media_sha256": text(stored.sha256),
        "media_size": size(stored.size),
        "media_thumbnail_key": text(stored.thumbnail_key),
    }
    return _patch(recorded, fact.message_id, columns)


def _found(recorded: Recorded[Fact], fact: _Found) -> Writes:
    return _patch(recorded, fact.message_id, {_FOUND[type(fact)]: text(fact.text)})


def _written_by(recorded: Recorded[Fact], fact: facts.AnswerGiven) -> Writes:
    """Which model wrote the reply; none has written a fallback text."""
    if fact.usage is None:
        return ()
    columns: Columns = {
        "model": text(fact.usage.model),
        "tokens_in": count(fact.usage.tokens_in),
        "tokens_out": count(fact.usage.tokens_out),
    }
    return _patch(recorded, fact.reply_id, columns)


def _standing(
    attempt: int, status: str, error_code: str | None = None, error_message: str | None = None
) -> Standing:
    return Standing(attempt, RANKS[status], text(error_code) or "", text(error_message) or "")


def _content(content: Content) -> Columns:
    columns: Columns = {
        "kind": content.kind,
        "text_content": text(content.text),
        "json_content": json(content.structured),
        "media_caption": text(content.caption),
    }
    return {**columns, **_media(content.media)} if content.media else columns


def _media(media: Media) -> Columns:
    return {
        "media_reference": text(media.reference),
        "media_mime": text(media.mime),
        "media_sha256": text(media.sha256),
        "media_size": size(media.size),
        "media_description": text(media.file_name),
    }


def _patch(
    recorded: Recorded[Fact], message_id: str, columns: Columns, standing: Standing | None = None
) -> Writes:
    return (Write(TABLE, (message_id,), recorded.sequence, columns, None, standing),)


RULES: Final = (
    on(facts.MessageReceived, _received),
    on(facts.MessageImported, _imported),
    on(facts.ReplyGenerated, _generated),
    on(facts.MessageEdited, _edited),
    on(facts.MessageDeleted, _deleted),
    on(facts.MessageSent, _sent),
    on(facts.MessageSendConfirmed, _sent),
    on(facts.EchoRecognised, _echoed),
    on(facts.MessageSendFailed, _failed),
    on(facts.MessageSendUnconfirmed, _unconfirmed),
    on(facts.MessageSendWithheld, _withheld),
    on(facts.RetryStarted, _goes_on),
    on(facts.RetryRequested, _goes_on),
    on(facts.FallbackChosen, _goes_on),
    on(facts.TemplateChosen, _template),
    on(facts.MessageStatusReported, _reported),
    on(facts.MediaStored, _stored),
    on(facts.MediaTranscribed, _found),
    on(facts.MediaTextExtracted, _found),
    on(facts.MediaDescribed, _found),
    on(facts.AnswerGiven, _written_by),
)
