"""Streams of facts as the decider could have written them: any chat, any story, numbered."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from schemas import identity
from schemas.content import (
    ActionTaken,
    CloseReason,
    Content,
    DiscardReason,
    Evidence,
    JobKind,
    Media,
    MessageKind,
    Origin,
    PauseReason,
    Platform,
    Prompt,
    Status,
    StoredMedia,
    Usage,
)
from schemas.envelope import Recorded
from schemas.facts import (
    AliasLearned,
    AnswerAwaited,
    AnswerDiscarded,
    AnswerGiven,
    AnswerRequested,
    AssistantJoined,
    BotPaused,
    BotResumed,
    ChatMerged,
    ChatMoved,
    ChatStarted,
    CloseRequested,
    CommandRefused,
    ConfirmationTimedOut,
    ConversationClosed,
    ConversationClosing,
    ConversationOpened,
    ConversationSummarised,
    DeliveryAbandoned,
    EchoHeld,
    EchoRecognised,
    Fact,
    FallbackChosen,
    HandlerFailed,
    InputUnrecognised,
    JobAbandoned,
    JobFailed,
    JobRetryRequested,
    JobRetryScheduled,
    JobRetryStarted,
    LaterRepliesReleased,
    MediaDescribed,
    MediaJobRequested,
    MediaStored,
    MediaTextExtracted,
    MediaTranscribed,
    MessageDeleted,
    MessageEdited,
    MessageImported,
    MessageReceived,
    MessageSendConfirmed,
    MessageSendFailed,
    MessageSendUnconfirmed,
    MessageSendWithheld,
    MessageSent,
    MessageStatusReported,
    ModeEntered,
    ModelCalled,
    ModeLeft,
    NoticeRecorded,
    ProfileChanged,
    PromptAnswered,
    PromptAsked,
    QuestionAnswered,
    QuestionAsked,
    ReplyGenerated,
    RetryRequested,
    RetryScheduled,
    RetryStarted,
    SendRequested,
    SummaryRequested,
    TemplateChosen,
)
from schemas.work import Question

BEGIN = datetime(2025, 3, 1, 9, 0, 0, 123456, tzinfo=UTC)
PLATFORMS = {Platform.WHATSAPP: "whatsapp_cloud", Platform.TELEGRAM: "telegram"}
WORDS = (
    "hello",
    "naïve café",
    "الطلب",
    "注文 🍣",
    "a\x00b",
    "",
    'O\'Neil "quotes" \\u0000',
    "\t\n",
)
FILE_JOBS = (JobKind.STORE, JobKind.TRANSCRIBE, JobKind.EXTRACT, JobKind.DESCRIBE)
NAMES = ("Ada", "Zoë", None, "李", "nul\x00")


@dataclass
class Reply:
    """A reply on its way."""

    reply_id: str
    attempt: int = 0
    name: str | None = None


@dataclass
class Job:
    """A job on its way; `about` are platform message ids."""

    job_id: str
    kind: JobKind
    about: tuple[str, ...] = ()
    conversation: str = ""
    attempt: int = 1
    is_waiting: bool = False


@dataclass
class ChatStory:
    """One chat's facts; `rng` decides what happens next."""

    tenant: str
    number: int
    rng: random.Random
    platform: Platform = Platform.WHATSAPP
    now: datetime = BEGIN
    sequence: int = 0
    conversations: int = 0
    conversation: str | None = None
    messages: int = 0
    imported: int = 0
    user_messages: int = 0
    names: list[str] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)
    waiting: list[Reply] = field(default_factory=list)
    sent: list[Reply] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    abandoned: list[Job] = field(default_factory=list)

    @property
    def user(self) -> str:
        return f"4916{self.number:08d}"

    @property
    def chat_id(self) -> str:
        return identity.chat_id(
            tenant=self.tenant, platform=self.platform, platform_user_id=self.user
        )

    def tell(self, facts: int) -> list[Recorded[Fact]]:
        """At least so many facts."""
        told: list[Recorded[Fact]] = []
        while len(told) < facts:
            self.now += timedelta(microseconds=self.rng.randrange(1, 90_000_000))
            cause = identity.derive("test", self.chat_id, str(self.sequence))
            happened = self._start() if self.sequence == 0 else self._step()
            for index, fact in enumerate(happened):
                self.sequence += 1
                told.append(self._recorded(fact, cause, index))
        return told

    def _recorded(self, fact: Fact, cause: str, index: int) -> Recorded[Fact]:
        return Recorded(
            id=identity.fact_id(cause, index),
            time=self.now,
            source="/chatfold/decider",
            tenant=self.tenant,
            chat_id=self.chat_id,
            causation_id=cause,
            correlation_id=cause,
            data=fact,
            sequence=self.sequence,
        )

    def _start(self) -> list[Fact]:
        provider = PLATFORMS[self.platform]
        started = ChatStarted(
            platform=self.platform,
            platform_user_id=self.user,
            provider=provider,
            account="106540352242922",
            is_group=self.rng.random() < 0.1,
        )
        return [started, self._profile(), *self._message()]

    def _step(self) -> list[Fact]:
        steps = (
            (30, self._message),
            (20, self._outcome),
            (24, self._status),
            (3, self._edit),
            (2, self._deletion),
            (2, self._notice),
            (1, self._unrecognised),
            (3, self._mode),
            (2, self._question),
            (2, self._close),
            (1, self._profiles),
            (1, self._handler_failed),
            (1, self._names),
            (3, self._pause),
            (3, self._import),
            (3, self._echo),
            (3, self._operator),
            (8, self._file),
            (24, self._job),
            (6, self._answer),
            (2, self._prompt),
            (1, self._retry_job),
        )
        weights, ways = zip(*steps, strict=True)
        return self.rng.choices(ways, weights)[0]()

    def _message(self) -> list[Fact]:
        opened = self._opened()
        self.messages += 1
        human = self.rng.random() < 0.1
        self.user_messages += 0 if human else 1
        name = self.awaited.pop() if self.awaited and self.rng.random() < 0.7 else self._name()
        self.names.append(name)
        received = MessageReceived(
            message_id=identity.message_id(chat=self.chat_id, platform_message_id=name),
            conversation_id=self.conversation or "",
            number=self.messages,
            user_number=self.user_messages,
            origin=Origin.HUMAN if human else Origin.USER,
            platform_message_id=name,
            platform_timestamp=self.now.replace(microsecond=0) if self.rng.random() < 0.9 else None,
            content=self._content(),
            reply_to=self.rng.choice([None, *self.names]),
            speaker=self.rng.choice([None, "4915550001"]),
            action=ActionTaken.RECORDED if human else ActionTaken.REPLIED,
        )
        return [*opened, received, *(() if human else self._replies(name))]

    def _name(self) -> str:
        return f"wamid.{self.number}.{self.sequence}"

    def _known_or_awaited(self) -> str:
        """The name of a message, perhaps of one that comes later."""
        if self.rng.random() < 0.3:
            self.awaited.append(f"{self._name()}.early")
            return self.awaited[-1]
        return self.rng.choice(self.names)

    def _opened(self) -> list[Fact]:
        if self.conversation is not None:
            return []
        self.conversations += 1
        self.messages = self.user_messages = 0
        self.conversation = identity.conversation_id(self.chat_id, self.conversations)
        return [ConversationOpened(conversation_id=self.conversation, number=self.conversations)]

    def _replies(self, name: str) -> Iterator[Fact]:
        for index in range(self.rng.choice([0, 1, 1, 1, 2])):
            self.messages += 1
            reply = Reply(identity.reply_id(f"{self.chat_id}{name}", index))
            self.waiting.append(reply)
            yield ReplyGenerated(
                reply_id=reply.reply_id,
                conversation_id=self.conversation or "",
                number=self.messages,
                origin=self.rng.choice([Origin.BOT, Origin.BOT, Origin.OPERATOR, Origin.SYSTEM]),
                handler="echo",
                provider=PLATFORMS[self.platform],
                account="106540352242922",
                content=Content(kind=MessageKind.TEXT, text=self._words()),
                in_reply_to=name,
                received_at=self.now,
            )

    def _new_job(self, kind: JobKind, *about: str, conversation: str = "") -> Job:
        job_id = identity.derive("job", self.chat_id, str(self.sequence), kind)
        self.jobs.append(Job(job_id, kind, about, conversation))
        return self.jobs[-1]

    def _file(self) -> list[Fact]:
        """Something is to be done with a file, perhaps of a message that is not there yet."""
        name = self._known_or_awaited()
        kind = self.rng.choice(FILE_JOBS)
        requested = MediaJobRequested(
            job_id=self._new_job(kind, name).job_id,
            kind=kind,
            message_id=self._message_id(name),
            message_kind=MessageKind.VOICE,
            provider=PLATFORMS[self.platform],
            account="106540352242922",
            media=Media(reference=f"media-{self.sequence}"),
            stored=None if kind is JobKind.STORE else self._stored(),
        )
        return [requested]

    def _answer(self) -> list[Fact]:
        """The model is to answer some messages, or is not even asked."""
        if self.conversation is None:
            return []
        names = tuple({self.rng.choice(self.names) for _ in range(self.rng.randrange(1, 3))})
        provider = {"provider": PLATFORMS[self.platform], "account": "106540352242922"}
        joined = AssistantJoined(conversation_id=self.conversation)
        awaited = AnswerAwaited(
            message_id=self._message_id(names[-1]),
            platform_message_id=names[-1],
            ask_at=self.now,
            wait_until=self.now,
            **provider,
        )
        if self.rng.random() < 0.2:
            return [joined, awaited, self._discarded(None, names, DiscardReason.PAUSED)]
        requested = AnswerRequested(
            job_id=self._new_job(JobKind.ANSWER, *names, conversation=self.conversation).job_id,
            conversation_id=self.conversation,
            answers=tuple(self._message_id(name) for name in names),
            in_reply_to=names[-1],
            **provider,
        )
        return [joined, awaited, requested]

    def _prompt(self) -> list[Fact]:
        name = self.rng.choice(self.names)
        asked = PromptAsked(
            job_id=self._new_job(JobKind.ASK, name).job_id,
            prompt=Prompt(instruction="Classify", text=self._words()),
            handler="team.Faq",
            provider=PLATFORMS[self.platform],
            account="106540352242922",
            in_reply_to=name,
        )
        return [asked]

    def _summary(self, conversation: str) -> list[Fact]:
        if self.rng.random() < 0.3:
            return []
        job = self._new_job(JobKind.SUMMARISE, conversation=conversation)
        return [SummaryRequested(job_id=job.job_id, conversation_id=conversation)]

    def _retry_job(self) -> list[Fact]:
        if not self.abandoned:
            return []
        job = self.abandoned.pop()
        job.attempt += 1
        self.jobs.append(job)
        return [JobRetryRequested(job_id=job.job_id, attempt=job.attempt, by="ops\x00")]

    def _job(self) -> list[Fact]:
        """An attempt at a job ends, having asked a model or not."""
        if not self.jobs:
            return []
        job = self.rng.choice(self.jobs)
        begun: list[Fact] = []
        if job.is_waiting:
            job.attempt, job.is_waiting = job.attempt + 1, False
            begun = [JobRetryStarted(job_id=job.job_id, attempt=job.attempt)]
        usage = self._usage()
        known = {"job_id": job.job_id, "attempt": job.attempt}
        if job.kind is not JobKind.STORE and self.rng.random() < 0.8:
            begun.append(ModelCalled(**known, kind=job.kind, usage=usage))
        if self.rng.random() < 0.6:
            self.jobs.remove(job)
            return [*begun, *self._done(job, usage)]
        failed = JobFailed(
            **known,
            error_code="throttled",
            error_message=self.rng.choice([None, "slow\x00"]),
            retryable=True,
            started_at=self.now - timedelta(seconds=2),
            finished_at=self.now,
        )
        if self.rng.random() < 0.6:
            job.is_waiting = True
            due = self.now + timedelta(seconds=8)
            return [*begun, failed, JobRetryScheduled(**known, due=due)]
        self.jobs.remove(job)
        abandoned = JobAbandoned(**known, error_code="throttled")
        return [*begun, failed, abandoned, *self._given_up(job)]

    def _done(self, job: Job, usage: Usage) -> list[Fact]:
        known = {"job_id": job.job_id, "attempt": job.attempt}
        words = self._words()
        match job.kind:
            case JobKind.ANSWER:
                return self._given(job, usage)
            case JobKind.SUMMARISE:
                talk = job.conversation
                return [
                    ConversationSummarised(
                        job_id=job.job_id, conversation_id=talk, text=words, is_latest=True
                    )
                ]
            case JobKind.ASK:
                return [PromptAnswered(job_id=job.job_id, error=None)]
        known["message_id"] = self._message_id(job.about[0])
        match job.kind:
            case JobKind.STORE:
                return [MediaStored(**known, stored=self._stored())]
            case JobKind.TRANSCRIBE:
                return [MediaTranscribed(**known, text=words, language="de")]
            case JobKind.EXTRACT:
                return [MediaTextExtracted(**known, text=words, pages=2, pages_seen=None)]
            case _:
                return [MediaDescribed(**known, text=words)]

    def _given(self, job: Job, usage: Usage | None) -> list[Fact]:
        """An answer, unless the conversation is over or the bot was paused meanwhile."""
        if self.conversation is None or self.rng.random() < 0.2:
            reason = self.rng.choice([DiscardReason.CLOSED, DiscardReason.PAUSED])
            return [self._discarded(job, job.about, reason)]
        self.messages += 1
        reply = Reply(identity.derive("answer", job.job_id))
        self.waiting.append(reply)
        generated = ReplyGenerated(
            reply_id=reply.reply_id,
            conversation_id=self.conversation,
            number=self.messages,
            origin=Origin.BOT,
            handler="assistant",
            provider=PLATFORMS[self.platform],
            account="106540352242922",
            content=Content(kind=MessageKind.TEXT, text=self._words()),
            in_reply_to=None,
            received_at=self.now,
        )
        given = AnswerGiven(
            job_id=job.job_id,
            reply_id=reply.reply_id,
            answers=job.about,
            usage=usage,
            action=ActionTaken.AI_REPLIED,
        )
        return [generated, given]

    def _given_up(self, job: Job) -> list[Fact]:
        match job.kind:
            case JobKind.ANSWER if self.rng.random() < 0.5:
                return self._given(job, None)
            case JobKind.ANSWER:
                return [self._discarded(job, job.about, DiscardReason.FAILED)]
            case JobKind.ASK:
                return [PromptAnswered(job_id=job.job_id, error="throttled")]
            case JobKind.SUMMARISE:
                return []
        self.abandoned.append(job)
        return []

    def _discarded(
        self, job: Job | None, names: tuple[str, ...], reason: DiscardReason
    ) -> AnswerDiscarded:
        return AnswerDiscarded(
            job_id=job and job.job_id,
            answers=names,
            reason=reason,
            action=ActionTaken.IGNORED_PAUSED,
        )

    def _usage(self) -> Usage:
        return Usage(
            model=self.rng.choice(["gpt-4o-mini", "whisper-1"]),
            seconds=self.rng.random() * 9,
            tokens_in=self.rng.choice([None, 0, 812, 2**31, 2**63]),
            tokens_out=self.rng.choice([None, 64, 2**40]),
            cost_micros=self.rng.choice([None, 0, 1500, 2**63]),
            reused=self.rng.random() < 0.1,
        )

    def _stored(self) -> StoredMedia:
        digest = f"{self.rng.randrange(2**32):064x}"
        return StoredMedia(
            key=f"media/{digest}",
            sha256=digest,
            mime=self.rng.choice(["audio/ogg", "application/pdf", "image/png"]),
            size=self.rng.choice([0, 4_096, 2**63]),
            thumbnail_key=self.rng.choice([None, f"thumbnails/{digest}"]),
        )

    def _message_id(self, name: str) -> str:
        return identity.message_id(chat=self.chat_id, platform_message_id=name)

    def _outcome(self) -> list[Fact]:
        if not self.waiting:
            return []
        reply = self.waiting[0]
        reply.attempt += 1
        began = self.now - timedelta(milliseconds=self.rng.randrange(1, 4000))
        times = {"started_at": began, "finished_at": self.now}
        known = {"reply_id": reply.reply_id, "attempt": reply.attempt}
        how = self.rng.random()
        if how < 0.03:
            return [TemplateChosen(**known, template="follow_up", language="de", with_words=True)]
        if how < 0.7:
            self.waiting.pop(0)
            reply.name = self.rng.choice([f"wamid.out.{reply.reply_id}.{reply.attempt}", None])
            self.sent.append(reply)
            return [MessageSent(**known, platform_message_id=reply.name, http_status=200, **times)]
        error = {"error_code": "throttled", "error_message": self.rng.choice([None, "slow\x00"])}
        if how < 0.83:
            failed = MessageSendFailed(**known, http_status=429, retryable=True, **error, **times)
            return [failed, *self._after_failure(reply)]
        if how < 0.88:
            withheld = MessageSendWithheld(**known, error_code="outside_window")
            return [withheld, *self._after_failure(reply)]
        lost = MessageSendUnconfirmed(**known, **error, **times)
        return [lost, *self._after_loss(reply)]

    def _after_failure(self, reply: Reply) -> list[Fact]:
        """What the decider may have found to do, and done."""
        known = {"reply_id": reply.reply_id, "attempt": reply.attempt}
        later = {"reply_id": reply.reply_id, "attempt": reply.attempt + 1}
        due = self.now + timedelta(minutes=5)
        fallback = FallbackChosen(
            **later,
            number=1,
            platform=Platform.SMS,
            provider="twilio",
            account="AC1",
            to=f"+{self.user}",
        )
        scheduled = RetryScheduled(**known, due=due, holds_later=True)
        abandoned = DeliveryAbandoned(**known, error_code="throttled")
        return self.rng.choice(
            [
                [scheduled],
                [scheduled, LaterRepliesReleased(**known), RetryStarted(**later)],
                [abandoned],
                [abandoned, RetryRequested(**later, by="ops\x00")],
                [fallback],
            ]
        )

    def _after_loss(self, reply: Reply) -> list[Fact]:
        known = {"reply_id": reply.reply_id, "attempt": reply.attempt}
        if self.rng.random() < 0.5:
            return [ConfirmationTimedOut(**known)]
        self.waiting.pop(0)
        reply.name = f"wamid.out.{reply.reply_id}.{reply.attempt}"
        self.sent.append(reply)
        by = self.rng.choice(list(Evidence))
        return [MessageSendConfirmed(**known, platform_message_id=reply.name, by=by)]

    def _pause(self) -> list[Fact]:
        if self.rng.random() < 0.5:
            reason = self.rng.choice(list(PauseReason))
            return [BotPaused(reason=reason, by=self.rng.choice([None, "ops\x00"]))]
        return [BotResumed(by=None, is_automatic=True)]

    def _import(self) -> list[Fact]:
        """A message of before, or one that is there already."""
        self.imported += 1
        name = self.rng.choice([*self.names, f"{self._name()}.old"])
        return [
            MessageImported(
                message_id=identity.message_id(chat=self.chat_id, platform_message_id=name),
                conversation_id=identity.conversation_id(self.chat_id, 0),
                number=self.imported,
                origin=self.rng.choice([Origin.USER, Origin.HUMAN]),
                platform_message_id=name,
                platform_timestamp=self.rng.choice([None, BEGIN]),
                content=self._content(),
                reply_to=None,
                speaker=None,
                action=ActionTaken.IMPORTED,
            )
        ]

    def _echo(self) -> list[Fact]:
        held = EchoHeld(
            platform_message_id=f"{self._name()}.echo",
            platform_timestamp=None,
            content=self._content(),
            reply_to=None,
            speaker=None,
            is_own=self.rng.random() < 0.5,
            action=ActionTaken.HELD,
        )
        if not self.sent:
            return [held]
        reply = self.rng.choice(self.sent)
        reply.name = reply.name or held.platform_message_id
        recognised = EchoRecognised(
            platform_message_id=reply.name,
            reply_id=reply.reply_id,
            attempt=reply.attempt,
            action=ActionTaken.OWN_ECHO,
        )
        return [held, recognised] if reply.name == held.platform_message_id else [recognised]

    def _operator(self) -> list[Fact]:
        refused = CommandRefused(command="RetryDelivery", by="ops", reason="it is on its way")
        reply_id = self.sent[-1].reply_id if self.sent else identity.derive("nothing")
        return [
            self.rng.choice(
                [CloseRequested(by="ops"), refused, SendRequested(reply_id=reply_id, by="ops")]
            )
        ]

    def _status(self) -> list[Fact]:
        reply = self.rng.choice([Reply("foreign:1", 1, "x"), *self.sent, *self.sent])
        status = self.rng.choice(list(Status))
        failed = status is Status.FAILED
        return [
            MessageStatusReported(
                message_id=reply.reply_id,
                platform_message_id=reply.name or "wamid.unnamed",
                attempt=self.rng.choice([reply.attempt, max(1, reply.attempt - 1)]),
                status=status,
                reported_at=self.rng.choice([None, self.now]),
                error_code=self.rng.choice(["131047", "131026"]) if failed else None,
                error_message="Re-engagement message" if failed else None,
                action=ActionTaken.STATUS,
            )
        ]

    def _edit(self) -> list[Fact]:
        name = self._known_or_awaited()
        return [
            MessageEdited(
                message_id=identity.message_id(chat=self.chat_id, platform_message_id=name),
                platform_message_id=name,
                source_id=f"edit.{self.sequence}",
                content=self._content(),
                action=ActionTaken.RECORDED,
            )
        ]

    def _deletion(self) -> list[Fact]:
        name = self._known_or_awaited()
        return [
            MessageDeleted(
                message_id=identity.message_id(chat=self.chat_id, platform_message_id=name),
                platform_message_id=name,
                source_id=f"delete.{self.sequence}",
                action=ActionTaken.RECORDED,
            )
        ]

    def _notice(self) -> list[Fact]:
        return [notice(f"notice.{self.sequence}")]

    def _unrecognised(self) -> list[Fact]:
        return [
            InputUnrecognised(
                source_id=f"odd.{self.sequence}",
                provider=PLATFORMS[self.platform],
                reason="a shape that nobody foresaw",
                action=ActionTaken.UNRECOGNISED,
            )
        ]

    def _mode(self) -> list[Fact]:
        if self.rng.random() < 0.5:
            return [ModeEntered(mode="special", until=self.now + timedelta(minutes=30))]
        return [ModeLeft(mode="special", expired=self.rng.random() < 0.5)]

    def _question(self) -> list[Fact]:
        question_id = identity.derive("question", self.chat_id, str(self.sequence))
        asked = QuestionAsked(
            question_id=question_id,
            question=Question.VIEW_STATS,
            handler="stats",
            provider=PLATFORMS[self.platform],
            account="106540352242922",
            in_reply_to=self.names[-1],
        )
        return [asked, QuestionAnswered(question_id=question_id, error=None)]

    def _close(self) -> list[Fact]:
        closing = self.conversation
        if closing is None:
            return []
        reason = self.rng.choice(list(CloseReason))
        self.conversation = None
        return [
            ConversationClosing(conversation_id=closing, reason=reason),
            ConversationClosed(conversation_id=closing, reason=reason, message_count=self.messages),
            *self._summary(closing),
            *(self._message() if self.rng.random() < 0.3 else ()),
        ]

    def _profiles(self) -> list[Fact]:
        return [self._profile()]

    def _profile(self) -> ProfileChanged:
        return ProfileChanged(
            phone_e164=f"+{self.user}",
            username=self.rng.choice([None, "ada_l"]),
            first_name=self.rng.choice(NAMES),
            last_name=self.rng.choice(NAMES),
        )

    def _handler_failed(self) -> list[Fact]:
        return [HandlerFailed(handler="team.Faq", error="ValueError", in_reply_to=self.names[-1])]

    def _names(self) -> list[Fact]:
        name = f"DE.{self.number}.{self.sequence}"
        return [AliasLearned(platform_user_id=name), ChatMoved(platform_user_id=name)]

    def _words(self) -> str:
        return " ".join(self.rng.choices(WORDS, k=self.rng.randrange(1, 6)))

    def _content(self) -> Content:
        kind = self.rng.choice(list(MessageKind))
        match kind:
            case MessageKind.IMAGE | MessageKind.DOCUMENT | MessageKind.VOICE:
                media = Media(
                    reference=f"media-{self.sequence}",
                    mime=self.rng.choice([None, "image/jpeg"]),
                    sha256=self.rng.choice([None, "ab" * 32]),
                    size=self.rng.choice([None, 0, 12_345, 2**63]),
                    file_name=self.rng.choice([None, "invoice 7.pdf"]),
                )
                return Content(kind=kind, media=media, caption=self._words())
            case MessageKind.LOCATION | MessageKind.CONTACT | MessageKind.INTERACTIVE:
                structured = {"name": self._words(), "at": [52.5, -13.25], "n\x00": {"x": None}}
                return Content(kind=kind, text=self._words(), structured=structured)
            case _:
                return Content(kind=kind, text=self._words())


def notice(source_id: str) -> NoticeRecorded:
    return NoticeRecorded(
        source_id=source_id,
        notice="account_update",
        detail={"event": "ACCOUNT_RESTRICTION"},
        action=ActionTaken.RECORDED,
    )


def account_notice(tenant: str, account: str) -> Recorded[Fact]:
    """What concerns an account as a whole belongs to a chat that never started."""
    chat = identity.chat_of(
        tenant=tenant, platform="whatsapp", account=account, platform_user_id=""
    )
    cause = identity.derive("test", chat)
    return Recorded(
        id=identity.fact_id(cause, 0),
        time=BEGIN,
        source="/chatfold/decider",
        tenant=tenant,
        chat_id=chat,
        causation_id=cause,
        correlation_id=cause,
        data=notice("account.1"),
        sequence=1,
    )


def merged(story: ChatStory, into: ChatStory) -> Recorded[Fact]:
    """The first chat joins the other, whether anybody has written to it or not."""
    story.now += timedelta(seconds=1)
    story.sequence += 1
    fact = ChatMerged(
        into=into.chat_id,
        platform=story.platform,
        platform_user_id=story.user,
        provider=PLATFORMS[story.platform],
        account="106540352242922",
        is_group=False,
    )
    cause = identity.derive("test", story.chat_id, "merged")
    return Recorded(
        id=identity.fact_id(cause, 0),
        time=story.now,
        source="/chatfold/decider",
        tenant=story.tenant,
        chat_id=story.chat_id,
        causation_id=cause,
        correlation_id=cause,
        data=fact,
        sequence=story.sequence,
    )


def log(seed: int, *, chats: int, facts: int) -> list[Recorded[Fact]]:
    """The facts of many chats as they could stand in one log, each chat in its order."""
    return _log(random.Random(seed), chats=chats, facts=facts)


def _log(rng: random.Random, *, chats: int, facts: int) -> list[Recorded[Fact]]:
    stories = [
        ChatStory(f"tenant-{number % 3}", number, rng, platform=list(PLATFORMS)[number % 2])
        for number in range(chats)
    ]
    told = [account_notice("tenant-0", "106540352242922")]
    while len(told) < facts:
        told += rng.choice(stories).tell(rng.randrange(1, 4))
        if rng.random() < 0.02:
            told.append(_merged(stories, 1_000 + len(told), rng))
    return told


def _merged(stories: list[ChatStory], number: int, rng: random.Random) -> Recorded[Fact]:
    """A name that nobody wrote from, or a chat that ends here, joins an older chat."""
    into = rng.choice(stories)
    younger = [
        story
        for story in stories[stories.index(into) + 1 :]
        if (story.tenant, story.platform) == (into.tenant, into.platform)
    ]
    if younger and rng.random() < 0.2:
        ending = rng.choice(younger)
        stories.remove(ending)
    else:
        ending = ChatStory(into.tenant, number, rng, platform=into.platform, now=into.now)
    return merged(ending, into)


def logs(*, chats: int = 3, facts: int = 60) -> st.SearchStrategy[list[Recorded[Fact]]]:
    """Any log of a few chats."""
    rngs = st.randoms(use_true_random=False)
    return st.builds(lambda rng, n: _log(rng, chats=chats, facts=n), rngs, st.integers(0, facts))


def splits(log: Sequence[Recorded[Fact]], rng: random.Random) -> Iterator[list[Recorded[Fact]]]:
    """The log in batches of any size."""
    start = 0
    while start < len(log):
        size = rng.choice([1, 1, 2, 3, 5, 10, 50, 500])
        yield list(log[start : start + size])
        start += size


def collision() -> list[Recorded[Fact]]:
    """A reply, its echo taken for a message of its own, and then the report of its sending."""
    story = log(12, chats=1, facts=60)
    at = next(i for i, one in enumerate(story) if isinstance(one.data, MessageSent))
    echo = next(one.data for one in story if isinstance(one.data, MessageReceived))
    echoed = replace(echo, message_id=story[0].causation_id, platform_message_id="wamid.echo")
    sent = replace(story[at].data, platform_message_id="wamid.echo")
    told = [*story[:at], replace(story[at], data=echoed), replace(story[at], data=sent)]
    return [replace(one, sequence=number) for number, one in enumerate(told, 1)]
