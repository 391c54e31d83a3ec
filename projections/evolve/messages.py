"""`messages`: what was said, by whom, and how it fares."""

from typing import assert_never

from projections.rows import (
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
from schemas import facts
from schemas.content import Content, Media, Origin, Status, StoredMedia
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "messages"
HANDLES = frozenset(
    {
        facts.MessageReceived,
        facts.MessageImported,
        facts.MessageEdited,
        facts.MessageDeleted,
        facts.ReplyGenerated,
        facts.MessageSent,
        facts.MessageSendFailed,
        facts.MessageSendUnconfirmed,
        facts.MessageSendConfirmed,
        facts.MessageSendWithheld,
        facts.EchoRecognised,
        facts.RetryStarted,
        facts.RetryRequested,
        facts.FallbackChosen,
        facts.TemplateChosen,
        facts.MessageStatusReported,
        facts.MediaStored,
        facts.MediaTranscribed,
        facts.MediaTextExtracted,
        facts.MediaDescribed,
        facts.AnswerGiven,
    }
)

_ACTORS = {Origin.USER: "user", Origin.SYSTEM: "system"}
_FOUND = {
    facts.MediaTranscribed: "media_transcript",
    facts.MediaTextExtracted: "extracted_media_content",
    facts.MediaDescribed: "image_description",
}
_PENDING = Standing(attempt=0, rank=RANKS["pending"])


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:  # noqa: C901, PLR0911, PLR0912  # one case for each fact
    """What the fact changes in the row of its message."""
    match recorded.data:
        case facts.MessageReceived() as fact:
            return (_received(recorded, fact),)
        case facts.MessageImported() as fact:
            return (_imported(recorded, fact),)
        case facts.ReplyGenerated() as fact:
            return (_generated(recorded, fact),)
        case facts.MessageEdited() as fact:
            columns = {**_edited(fact.content), "edited_at": recorded.time}
            return (_patch(recorded, fact.message_id, columns),)
        case facts.MessageDeleted() as fact:
            return (_patch(recorded, fact.message_id, {"deleted_at": recorded.time}),)
        case facts.MessageSent() | facts.MessageSendConfirmed() as fact:
            standing = _standing(fact.attempt, "sent")
            return (_named(recorded, fact.reply_id, fact.platform_message_id, standing),)
        case facts.EchoRecognised() as fact:
            return (_named(recorded, fact.reply_id, fact.platform_message_id, None),)
        case facts.MessageSendFailed() as fact:
            standing = _standing(fact.attempt, "failed", fact.error_code, fact.error_message)
            return (_patch(recorded, fact.reply_id, {}, standing),)
        case facts.MessageSendUnconfirmed() as fact:
            standing = _standing(fact.attempt, "saved_only", fact.error_code, fact.error_message)
            return (_patch(recorded, fact.reply_id, {}, standing),)
        case facts.MessageSendWithheld() as fact:
            standing = _standing(fact.attempt, "saved_only", fact.error_code)
            return (_patch(recorded, fact.reply_id, {}, standing),)
        case facts.RetryStarted() | facts.RetryRequested() | facts.FallbackChosen() as fact:
            standing = _standing(fact.attempt, "pending")
            return (_patch(recorded, fact.reply_id, {}, standing),)
        case facts.TemplateChosen() as fact:
            return (_patch(recorded, fact.reply_id, {"json_content": _template(fact)}),)
        case facts.MessageStatusReported() as fact:
            return (_reported(recorded, fact),) if is_uuid(fact.message_id) else ()
        case facts.MediaStored() as fact:
            return (_patch(recorded, fact.message_id, _stored(fact.stored)),)
        case facts.MediaTranscribed() | facts.MediaTextExtracted() | facts.MediaDescribed() as fact:
            columns = {_FOUND[type(fact)]: text(fact.text)}
            return (_patch(recorded, fact.message_id, columns),)
        case facts.AnswerGiven() as fact:
            return _written_by(recorded, fact)
        case (
            facts.AliasLearned()
            | facts.ChatMoved()
            | facts.ChatMerged()
            | facts.ChatStarted()
            | facts.ProfileChanged()
            | facts.ConversationOpened()
            | facts.NoticeRecorded()
            | facts.InputUnrecognised()
            | facts.HandlerFailed()
            | facts.QuestionAsked()
            | facts.QuestionAnswered()
            | facts.ModeEntered()
            | facts.ModeLeft()
            | facts.ConversationClosing()
            | facts.ConversationClosed()
            | facts.EchoHeld()
            | facts.ConfirmationTimedOut()
            | facts.RetryScheduled()
            | facts.LaterRepliesReleased()
            | facts.DeliveryAbandoned()
            | facts.SendRequested()
            | facts.CloseRequested()
            | facts.CommandRefused()
            | facts.BotPaused()
            | facts.BotResumed()
            | facts.MediaJobRequested()
            | facts.ModelCalled()
            | facts.JobFailed()
            | facts.JobRetryScheduled()
            | facts.JobRetryStarted()
            | facts.JobRetryRequested()
            | facts.JobAbandoned()
            | facts.AssistantJoined()
            | facts.AnswerAwaited()
            | facts.AnswerRequested()
            | facts.AnswerDiscarded()
            | facts.SummaryRequested()
            | facts.ConversationSummarised()
            | facts.PromptAsked()
            | facts.PromptAnswered()
        ):
            return ()
        case _ as never:
            assert_never(never)


def _received(recorded: Recorded[Fact], fact: facts.MessageReceived) -> Write:
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
    return Write(TABLE, (fact.message_id,), recorded.sequence, assigned, initial, kept=kept)


def _imported(recorded: Recorded[Fact], fact: facts.MessageImported) -> Write:
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
    return Write(TABLE, (fact.message_id,), recorded.sequence, known, first, kept=kept)


def _generated(recorded: Recorded[Fact], fact: facts.ReplyGenerated) -> Write:
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
    return Write(TABLE, (fact.reply_id,), recorded.sequence, assigned, initial, _PENDING)


def _named(
    recorded: Recorded[Fact], reply_id: str, name: str | None, standing: Standing | None
) -> Write:
    """The name of the first attempt that got one stays; each attempt's own is in its row."""
    kept: Columns = {} if name is None else {"platform_message_id": identifier(name)}
    return Write(
        TABLE,
        (reply_id,),
        recorded.sequence,
        {"chat_id": recorded.chat_id},
        standing=standing,
        kept=kept,
    )


def _reported(recorded: Recorded[Fact], fact: facts.MessageStatusReported) -> Write:
    deleted: Columns = {"deleted_at": recorded.time} if fact.status is Status.DELETED else {}
    standing = _standing(fact.attempt, fact.status, fact.error_code, fact.error_message)
    return _patch(recorded, fact.message_id, deleted, standing)


def _template(fact: facts.TemplateChosen) -> str | None:
    told = {"name": fact.template, "language": fact.language, "with_words": fact.with_words}
    return json({"template": told})


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


def _edited(content: Content) -> Columns:
    """What is not said of the file anew stays as it was found: most edits are of the caption."""
    unsaid = ("media_mime", "media_sha256", "media_size")
    columns = _content(content)
    return {k: value for k, value in columns.items() if value is not None or k not in unsaid}


def _stored(stored: StoredMedia) -> Columns:
    return {
        "media_key": text(stored.key),
        "media_mime": text(stored.mime),
        "media_sha256": text(stored.sha256),
        "media_size": size(stored.size),
        "media_thumbnail_key": text(stored.thumbnail_key),
    }


def _written_by(recorded: Recorded[Fact], fact: facts.AnswerGiven) -> tuple[Write, ...]:
    """Which model wrote the reply; none has written a fallback text."""
    if fact.usage is None:
        return ()
    columns: Columns = {
        "model": text(fact.usage.model),
        "tokens_in": count(fact.usage.tokens_in),
        "tokens_out": count(fact.usage.tokens_out),
    }
    return (_patch(recorded, fact.reply_id, columns),)


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
) -> Write:
    return Write(TABLE, (message_id,), recorded.sequence, columns, initial=None, standing=standing)
