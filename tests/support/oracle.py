# ruff: noqa: N802  # a method for each fact, by its name
"""What the tables must hold: facts applied one at a time, in the plainest way.

It shares nothing with `projections`: where the two differ, one of them is wrong.
"""

from collections.abc import Iterable
from typing import Any

from schemas import identity
from schemas.content import Content, MessageKind, Origin, Status
from schemas.envelope import Recorded
from schemas.facts import Fact

Row = dict[str, Any]
Tables = dict[str, dict[tuple[Any, ...], Row]]

KEYS = {
    "chats": ["chat_id"],
    "conversations": ["conversation_id"],
    "messages": ["message_id"],
    "sessions": ["chat_id"],
    "processed_events": ["tenant_id", "message_id", "event_type", "chat_id"],
    "delivery_attempts": ["reply_id", "attempt"],
    "delivery_fallbacks": ["reply_id", "attempt"],
    "processing_jobs": ["job_id"],
    "job_failures": ["job_id", "attempt"],
    "model_calls": ["job_id", "attempt"],
}
STAGES = ["pending", "saved_only", "sent", "failed", "delivered", "read", "played", "deleted"]


def tables(facts: Iterable[Recorded[Fact]]) -> Tables:
    """The rows after all facts, by key; a column that is not named is null."""
    found: Tables = {name: {} for name in KEYS}
    for recorded in facts:
        Step(found, recorded).take()
    return found


class Step:
    """One fact, applied."""

    def __init__(self, found: Tables, recorded: Recorded[Fact]) -> None:
        self.found = found
        self.fact: Any = recorded.data
        self.now = recorded.time
        self.chat = recorded.chat_id
        self.tenant = recorded.tenant
        self.seq = recorded.sequence

    def take(self) -> None:
        name = type(self.fact).__name__
        if hasattr(self, name):
            getattr(self, name)()

    def put(self, table: str, *key: Any, **columns: Any) -> None:
        row = self.found[table].setdefault(key, dict(zip(KEYS[table], key, strict=True)))
        row.update({name: storable(value) for name, value in columns.items()}, last_seq=self.seq)

    def patch(self, table: str, *key: Any, **columns: Any) -> None:
        if key in self.found[table]:
            self.put(table, *key, **columns)

    def ChatStarted(self) -> None:
        self.put(
            "chats",
            self.chat,
            tenant_id=self.tenant,
            platform=self.fact.platform,
            platform_user_id=self.fact.platform_user_id,
            provider=self.fact.provider,
            account=self.fact.account,
            is_group=self.fact.is_group,
            is_blocked=False,
            created_at=self.now,
            updated_at=self.now,
        )
        self.put(
            "sessions",
            self.chat,
            tenant_id=self.tenant,
            is_paused=False,
            created_at=self.now,
            updated_at=self.now,
        )

    def ProfileChanged(self) -> None:
        self.patch(
            "chats",
            self.chat,
            phone_e164=self.fact.phone_e164,
            username=self.fact.username,
            first_name=self.fact.first_name,
            last_name=self.fact.last_name,
            updated_at=self.now,
        )

    def ChatMoved(self) -> None:
        self.patch("chats", self.chat, address=self.fact.platform_user_id, updated_at=self.now)

    def ChatMerged(self) -> None:
        if (self.chat,) not in self.found["chats"]:
            self.put(
                "chats",
                self.chat,
                tenant_id=self.tenant,
                platform=self.fact.platform,
                platform_user_id=self.fact.platform_user_id,
                provider=self.fact.provider,
                account=self.fact.account,
                is_group=self.fact.is_group,
                is_blocked=False,
                created_at=self.now,
            )
        self.put("chats", self.chat, merged_into=self.fact.into, updated_at=self.now)

    def ConversationOpened(self) -> None:
        self.put(
            "conversations",
            self.fact.conversation_id,
            chat_id=self.chat,
            tenant_id=self.tenant,
            number=self.fact.number,
            status="open",
            started_at=self.now,
            last_activity_at=self.now,
            message_count=0,
            created_at=self.now,
        )

    def MessageReceived(self) -> None:
        from_user = self.fact.origin is Origin.USER
        self.message(
            self.fact.message_id,
            user_number=self.fact.user_number,
            actor="user" if from_user else "business",
            speaker=self.fact.speaker,
            platform_message_id=self.fact.platform_message_id,
            platform_timestamp=self.fact.platform_timestamp,
            reply_to=self.fact.reply_to,
        )
        if from_user:
            is_reaction = self.fact.content.kind is MessageKind.REACTION
            self.done(self.fact.platform_message_id, "reaction" if is_reaction else "message")
            self.patch("chats", self.chat, last_inbound_at=self.now, updated_at=self.now)
            self.patch("conversations", self.fact.conversation_id, last_inbound_at=self.now)
        else:
            self.done(self.fact.platform_message_id, "echo")
            self.patch("chats", self.chat, last_outbound_at=self.now, updated_at=self.now)
            self.patch("sessions", self.chat, last_human_at=self.now)

    def ReplyGenerated(self) -> None:
        self.message(
            self.fact.reply_id,
            actor="system" if self.fact.origin is Origin.SYSTEM else "business",
            reply_to=self.fact.in_reply_to,
            handler=self.fact.handler,
            received_at=self.fact.received_at,
            delivery_attempt=0,
            delivery_status="pending",
        )
        if self.fact.origin is Origin.OPERATOR:
            self.patch("sessions", self.chat, last_human_at=self.now)

    def MessageImported(self) -> None:
        name = self.fact.platform_message_id
        if (self.fact.message_id,) not in self.found["messages"]:
            self.put(
                "messages",
                self.fact.message_id,
                conversation_id=self.fact.conversation_id,
                tenant_id=self.tenant,
                number=self.fact.number,
                actor="user" if self.fact.origin is Origin.USER else "business",
                origin=self.fact.origin,
                speaker=self.fact.speaker,
                platform=self.found["chats"][self.chat,]["platform"],
                platform_message_id=name,
                platform_timestamp=self.fact.platform_timestamp,
                reply_to=self.fact.reply_to,
                created_at=self.now,
                **content(self.fact.content),
            )
        self.put("messages", self.fact.message_id, chat_id=self.chat)
        if (self.fact.conversation_id,) not in self.found["conversations"]:
            self.put(
                "conversations",
                self.fact.conversation_id,
                chat_id=self.chat,
                tenant_id=self.tenant,
                number=0,
                status="closed",
                close_reason="imported",
                started_at=self.now,
                closed_at=self.now,
                created_at=self.now,
            )
        count, now = self.fact.number, self.now
        self.put(
            "conversations", self.fact.conversation_id, message_count=count, last_activity_at=now
        )
        self.done(name, "history")

    def EchoHeld(self) -> None:
        self.done(self.fact.platform_message_id, "echo")

    def EchoRecognised(self) -> None:
        self.done(self.fact.platform_message_id, "echo")
        self.patch("messages", self.fact.reply_id)
        self.name()

    def MessageEdited(self) -> None:
        columns = content(self.fact.content)
        if self.fact.content.media is None:
            columns = {name: columns[name] for name in columns if name not in MEDIA}
        for name in ("media_mime", "media_sha256", "media_size"):
            if columns.get(name) is None:
                columns.pop(name, None)
        self.patch("messages", self.fact.message_id, **columns, edited_at=self.now)
        self.done(self.fact.source_id, "edit")

    def MessageDeleted(self) -> None:
        self.patch("messages", self.fact.message_id, deleted_at=self.now)
        self.done(self.fact.source_id, "delete")

    def NoticeRecorded(self) -> None:
        self.done(self.fact.source_id, "system")

    def InputUnrecognised(self) -> None:
        self.done(self.fact.source_id, "unrecognised")

    def MessageSent(self) -> None:
        self.stands(self.fact.reply_id, "sent")
        self.name()
        self.patch("chats", self.chat, last_outbound_at=self.now, updated_at=self.now)
        self.attempt(
            "sent",
            platform_message_id=self.fact.platform_message_id,
            http_status=self.fact.http_status,
            error_code=None,
            error_message=None,
            retryable=False,
        )

    def MessageSendFailed(self) -> None:
        self.stands(self.fact.reply_id, "failed")
        self.attempt(
            "failed",
            http_status=self.fact.http_status,
            error_code=self.fact.error_code,
            error_message=self.fact.error_message,
            retryable=self.fact.retryable,
        )

    def MessageSendUnconfirmed(self) -> None:
        self.stands(self.fact.reply_id, "saved_only")
        self.attempt(
            "saved_only",
            error_code=self.fact.error_code,
            error_message=self.fact.error_message,
            retryable=False,
        )

    def MessageSendConfirmed(self) -> None:
        self.stands(self.fact.reply_id, "sent")
        self.name()
        self.patch("chats", self.chat, last_outbound_at=self.now, updated_at=self.now)
        self.awaits(
            None,
            outcome="sent",
            platform_message_id=self.fact.platform_message_id,
            error_code=None,
            error_message=None,
        )

    def MessageSendWithheld(self) -> None:
        self.stands(self.fact.reply_id, "saved_only")
        self.put(
            "delivery_attempts",
            self.fact.reply_id,
            self.fact.attempt,
            chat_id=self.chat,
            tenant_id=self.tenant,
            channel=self.found["chats"][self.chat,]["platform"],
            outcome="saved_only",
            error_code=self.fact.error_code,
            retryable=False,
            started_at=self.now,
            finished_at=self.now,
        )

    def TemplateChosen(self) -> None:
        told = {
            "name": self.fact.template,
            "language": self.fact.language,
            "with_words": self.fact.with_words,
        }
        self.patch("messages", self.fact.reply_id, json_content={"template": told})

    def RetryScheduled(self) -> None:
        self.awaits("retry", self.fact.due)

    def DeliveryAbandoned(self) -> None:
        self.awaits("operator")

    def ConfirmationTimedOut(self) -> None:
        self.awaits("operator")

    def RetryStarted(self) -> None:
        self.stands(self.fact.reply_id, "pending")
        self.awaits(None, attempt=self.fact.attempt - 1)

    def RetryRequested(self) -> None:
        self.RetryStarted()

    def FallbackChosen(self) -> None:
        self.RetryStarted()
        self.put(
            "delivery_fallbacks",
            self.fact.reply_id,
            self.fact.attempt,
            chat_id=self.chat,
            tenant_id=self.tenant,
            number=self.fact.number,
            channel=self.fact.platform,
            provider=self.fact.provider,
            account=self.fact.account,
            recipient=self.fact.to,
            chosen_at=self.now,
        )

    def BotPaused(self) -> None:
        reason, by = self.fact.reason, self.fact.by
        self.session(is_paused=True, pause_reason=reason, paused_at=self.now, paused_by=by)

    def BotResumed(self) -> None:
        self.session(is_paused=False, pause_reason=None, paused_at=None, paused_by=None)

    def MessageStatusReported(self) -> None:
        self.stands(self.fact.message_id, self.fact.status)
        if self.fact.status is Status.DELETED:
            self.patch("messages", self.fact.message_id, deleted_at=self.now)
        self.done(self.fact.platform_message_id, f"status.{self.fact.status}")

    def ModeEntered(self) -> None:
        self.session(mode=self.fact.mode, mode_until=self.fact.until)

    def ModeLeft(self) -> None:
        self.session(mode=None, mode_until=None)

    def ConversationClosing(self) -> None:
        reason = self.fact.reason
        self.patch(
            "conversations", self.fact.conversation_id, status="closing", close_reason=reason
        )

    def ConversationClosed(self) -> None:
        self.patch(
            "conversations",
            self.fact.conversation_id,
            status="closed",
            close_reason=self.fact.reason,
            closed_at=self.now,
            message_count=self.fact.message_count,
        )

    def MediaJobRequested(self) -> None:
        self.job(self.fact.kind, message_id=self.fact.message_id)

    def AnswerRequested(self) -> None:
        talk = self.fact.conversation_id
        self.job("answer", message_id=self.fact.answers[-1], conversation_id=talk)

    def SummaryRequested(self) -> None:
        self.job("summarise", conversation_id=self.fact.conversation_id)

    def PromptAsked(self) -> None:
        own = identity.message_id(chat=self.chat, platform_message_id=self.fact.in_reply_to)
        self.job("ask", message_id=own)

    def MediaStored(self) -> None:
        stored = self.fact.stored
        self.patch(
            "messages",
            self.fact.message_id,
            media_key=stored.key,
            media_thumbnail_key=stored.thumbnail_key,
            media_mime=stored.mime,
            media_sha256=stored.sha256,
            media_size=below(2**63, stored.size),
        )
        self.job_is("succeeded", attempts=self.fact.attempt)

    def MediaTranscribed(self) -> None:
        self.patch("messages", self.fact.message_id, media_transcript=self.fact.text)
        self.job_is("succeeded", attempts=self.fact.attempt)

    def MediaTextExtracted(self) -> None:
        self.patch("messages", self.fact.message_id, extracted_media_content=self.fact.text)
        self.job_is("succeeded", attempts=self.fact.attempt)

    def MediaDescribed(self) -> None:
        self.patch("messages", self.fact.message_id, image_description=self.fact.text)
        self.job_is("succeeded", attempts=self.fact.attempt)

    def ModelCalled(self) -> None:
        usage = self.fact.usage
        self.put(
            "model_calls",
            self.fact.job_id,
            self.fact.attempt,
            chat_id=self.chat,
            tenant_id=self.tenant,
            kind=self.fact.kind,
            model=usage.model,
            seconds=usage.seconds,
            tokens_in=below(2**31, usage.tokens_in),
            tokens_out=below(2**31, usage.tokens_out),
            cost_micros=below(2**31, usage.cost_micros),
            reused=usage.reused,
            called_at=self.now,
        )

    def JobFailed(self) -> None:
        code, words = self.fact.error_code, self.fact.error_message
        self.put(
            "job_failures",
            self.fact.job_id,
            self.fact.attempt,
            chat_id=self.chat,
            tenant_id=self.tenant,
            error_code=code,
            error_message=words,
            retryable=self.fact.retryable,
            started_at=self.fact.started_at,
            finished_at=self.fact.finished_at,
        )
        last = f"{code}: {words}" if words else code
        self.job_is("failed", attempts=self.fact.attempt, error_code=code, last_error=last)

    def JobRetryScheduled(self) -> None:
        self.job_is("waiting", next_attempt_at=self.fact.due)

    def JobRetryStarted(self) -> None:
        self.job_is("running", attempts=self.fact.attempt)

    def JobRetryRequested(self) -> None:
        self.job_is("running", attempts=self.fact.attempt)

    def JobAbandoned(self) -> None:
        code = self.fact.error_code
        self.job_is("failed", attempts=self.fact.attempt, error_code=code)

    def AnswerGiven(self) -> None:
        usage = self.fact.usage
        if usage is not None:
            self.patch(
                "messages",
                self.fact.reply_id,
                model=usage.model,
                tokens_in=below(2**31, usage.tokens_in),
                tokens_out=below(2**31, usage.tokens_out),
            )
        self.answered()
        self.job_is("succeeded" if usage else "failed")

    def AnswerDiscarded(self) -> None:
        self.answered()
        if self.fact.job_id is not None:
            self.job_is("failed" if self.fact.reason == "failed" else "discarded")

    def ConversationSummarised(self) -> None:
        words = self.fact.text
        self.patch("conversations", self.fact.conversation_id, conversation_summary=words)
        if self.fact.is_latest:
            self.patch("chats", self.chat, last_conversation_summary=words, updated_at=self.now)
        self.job_is("succeeded")

    def PromptAnswered(self) -> None:
        self.job_is("succeeded" if self.fact.error is None else "failed")

    def job(self, kind: str, **columns: Any) -> None:
        """A job begins with its first attempt."""
        self.put(
            "processing_jobs",
            self.fact.job_id,
            kind=kind,
            chat_id=self.chat,
            tenant_id=self.tenant,
            status="running",
            attempts=1,
            created_at=self.now,
            updated_at=self.now,
            **columns,
        )

    def job_is(self, status: str, **columns: Any) -> None:
        changed = {"next_attempt_at": None, "updated_at": self.now, **columns}
        self.patch("processing_jobs", self.fact.job_id, status=status, **changed)

    def answered(self) -> None:
        for name in self.fact.answers:
            key = (self.tenant, name, "message", self.chat)
            self.patch("processed_events", *key, action_taken=self.fact.action)

    def message(self, message_id: str, **columns: Any) -> None:
        self.put(
            "messages",
            message_id,
            conversation_id=self.fact.conversation_id,
            chat_id=self.chat,
            tenant_id=self.tenant,
            number=self.fact.number,
            platform=self.found["chats"][self.chat,]["platform"],
            origin=self.fact.origin,
            created_at=self.now,
            **content(self.fact.content),
            **columns,
        )
        self.session(last_message_at=self.now)
        self.patch(
            "conversations",
            self.fact.conversation_id,
            last_activity_at=self.now,
            message_count=self.fact.number,
        )

    def session(self, **columns: Any) -> None:
        self.patch("sessions", self.chat, **columns, updated_at=self.now)

    def stands(self, message_id: str, stage: str) -> None:
        """A later attempt counts more, then a later stage; the error only settles a tie."""
        row = self.found["messages"].get((message_id,))
        if row is None:
            return
        self.patch("messages", message_id)
        code = storable(getattr(self.fact, "error_code", None))
        words = storable(getattr(self.fact, "error_message", None))
        new = (self.fact.attempt, STAGES.index(stage), code or "", words or "")
        if row.get("delivery_attempt") is not None and new <= standing(row):
            return
        self.patch(
            "messages",
            message_id,
            delivery_attempt=self.fact.attempt,
            delivery_status=stage,
            error_code=code,
            error_message=words,
        )

    def name(self) -> None:
        """The first name that a reply gets stays its name."""
        row = self.found["messages"].get((self.fact.reply_id,), {})
        if row.get("platform_message_id") is None:
            name = self.fact.platform_message_id
            self.patch("messages", self.fact.reply_id, platform_message_id=name)

    def awaits(self, what: str | None, until: Any = None, **columns: Any) -> None:
        """What a reply waits for after an attempt."""
        attempt = columns.pop("attempt", self.fact.attempt)
        self.patch(
            "delivery_attempts",
            self.fact.reply_id,
            attempt,
            waiting_for=what,
            next_attempt_at=until,
            **columns,
        )

    def attempt(self, outcome: str, **columns: Any) -> None:
        self.put(
            "delivery_attempts",
            self.fact.reply_id,
            self.fact.attempt,
            chat_id=self.chat,
            tenant_id=self.tenant,
            channel=self.found["chats"][self.chat,]["platform"],
            outcome=outcome,
            started_at=self.fact.started_at,
            finished_at=self.fact.finished_at,
            **columns,
        )

    def done(self, message_id: str, event_type: str) -> None:
        key = (self.tenant, message_id, event_type, self.chat)
        self.put("processed_events", *key, action_taken=self.fact.action, processed_at=self.now)


MEDIA = {
    "media_reference": "reference",
    "media_mime": "mime",
    "media_sha256": "sha256",
    "media_size": "size",
    "media_description": "file_name",
}


def content(content: Content) -> Row:
    media = {name: getattr(content.media, field, None) for name, field in MEDIA.items()}
    if media["media_size"] is not None and media["media_size"] >= 2**63:
        media["media_size"] = None
    return {
        "kind": content.kind,
        "text_content": content.text,
        "json_content": content.structured,
        "media_caption": content.caption,
        **media,
    }


def below(bound: int, number: int | None) -> int | None:
    return number if number is not None and 0 <= number < bound else None


def standing(row: Row) -> tuple[Any, ...]:
    stage = STAGES.index(row["delivery_status"])
    errors = (row.get("error_code") or "", row.get("error_message") or "")
    return (row["delivery_attempt"], stage, *errors)


def storable(value: Any) -> Any:
    """PostgreSQL holds no U+0000; enums are text, and structures JSON."""
    match value:
        case str():
            return str(value).replace("\x00", "\ufffd")
        case dict():
            return {storable(key): storable(inner) for key, inner in value.items()}
        case list() | tuple():
            return [storable(inner) for inner in value]
        case _:
            return value
