"""Golden files: one record of every version of every type, as it was when it was published.

`python -m tests.support.golden` writes the files that are missing, and never one that exists;
it adds new words to those of the closed sets.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from docs.generation import schemas
from schemas import codec, envelope, identity, upcasting
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
    SendOutcome,
    Status,
    StoredMedia,
    Usage,
    Utterance,
)
from schemas.envelope import Record, Recorded
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
from schemas.inputs import (
    AnswerReported,
    AutoResume,
    ChatLinked,
    CloseConversation,
    ItemKind,
    JobReported,
    PauseChat,
    ResumeChat,
    RetryDelivery,
    RetryJob,
    SendByHand,
    SendReported,
    Timer,
    TimerFired,
    WebhookReceived,
    WebhookUnrouted,
)
from schemas.job_failures import JobFailureCode
from schemas.work import (
    AnswerQuestion,
    AskModel,
    GenerateAnswer,
    ProcessMedia,
    Question,
    SendMessage,
    SummariseConversation,
)

Schema = dict[str, Any]

FOLDER = Path(__file__).parents[1] / "fixtures" / "facts"
WORDS_FILE = FOLDER / "closed-sets" / "words.json"
CLOSED_SETS: tuple[type[StrEnum], ...] = (
    Platform,
    MessageKind,
    Origin,
    Status,
    SendOutcome,
    ActionTaken,
    CloseReason,
    ItemKind,
    Timer,
    Question,
    PauseReason,
    Evidence,
    JobKind,
    DiscardReason,
    JobFailureCode,
)
ARRIVED = datetime(2026, 1, 5, 12, 0, 0, 250_000, UTC)
STARTED = ARRIVED + timedelta(milliseconds=20)
FINISHED = ARRIVED + timedelta(milliseconds=95)
ACCOUNT, USER, WAMID = "100200300", "4915112345678", "wamid.HBgNNDkxNTExMjM0NTY3OBUCABIYFDNBMDE="
SENT_WAMID = "wamid.HBgNNDkxNTExMjM0NTY3OBUCABEYEjQyMDI="
CHAT = identity.chat_id(tenant="acme", platform="whatsapp", platform_user_id=USER)
CAUSE = identity.input_id(
    tenant="acme",
    provider="whatsapp_cloud",
    account=ACCOUNT,
    kind="message",
    message_id=WAMID,
)
MESSAGE = identity.message_id(chat=CHAT, platform_message_id=WAMID)
TALK = identity.conversation_id(CHAT, 3)
IMPORTED = identity.conversation_id(CHAT, 0)
REPLY = identity.reply_id(CAUSE, 0)
QUESTION = identity.reply_id(CAUSE, 1)
JOB = identity.job_id(CAUSE, 0)
DUE = ARRIVED + timedelta(hours=24)
USER_ID = "DE.13491208655302741918"
OTHER_CHAT = identity.chat_id(tenant="acme", platform="whatsapp", platform_user_id=USER_ID)
LINK = identity.link_id(CAUSE, sender=OTHER_CHAT, receiver=CHAT)
TIMER = identity.timer_id(chat=CHAT, timer="idle_close", due=DUE.isoformat())
CLICK = identity.derive("close", CHAT, ARRIVED.isoformat())
FRAGMENT: dict[str, object] = {
    "message": {
        "from": USER,
        "id": WAMID,
        "timestamp": "1767614399",
        "type": "text",
        "text": {"body": "Grüße aus Köln 👋"},
    },
    "metadata": {"display_phone_number": "15550001111", "phone_number_id": ACCOUNT},
    "contact": {"profile": {"name": "Ada Lovelace"}, "wa_id": USER},
}
WORDS = Content(kind=MessageKind.TEXT, text="Echo: Grüße aus Köln 👋")
PHOTO = Content(
    kind=MessageKind.IMAGE,
    media=Media(
        reference="2754859441498128",
        mime="image/jpeg",
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        size=48_213,
        file_name="dom.jpg",
    ),
    caption="Der Dom",
)
PLACE = Content(
    kind=MessageKind.LOCATION,
    text="Kölner Dom, Domkloster 4",
    structured={"latitude": 50.9413, "longitude": 6.9583, "name": "Kölner Dom"},
)

STORED = StoredMedia(
    key="acme/9f/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    mime="image/jpeg",
    size=48_213,
    thumbnail_key="acme/9f/9f86d081884c7d65.thumbnail.webp",
)
USAGE = Usage(
    model="gpt-4o-mini",
    seconds=1.25,
    tokens_in=812,
    tokens_out=64,
    cost_micros=160,
    reused=True,
)
PROMPT = Prompt(
    instruction="Say in one word what the person wants.",
    text="Grüße aus Köln 👋",
    model="gpt-4o",
    max_tokens=5,
    temperature=0.5,
)
SAID = Utterance(
    message_id=MESSAGE,
    origin=Origin.USER,
    kind=MessageKind.DOCUMENT,
    at=ARRIVED,
    text="Der Plan",
    speaker="4915100000002",
    file_name="plan.pdf",
    transcript="Grüße",
    extracted="Seite 1",
    description="Ein Plan",
)

FACTS = (
    ChatStarted(
        platform=Platform.WHATSAPP,
        platform_user_id=USER,
        provider="whatsapp_cloud",
        account=ACCOUNT,
        is_group=False,
    ),
    ProfileChanged(
        phone_e164="+4915112345678", username="ada", first_name="Ada", last_name="Lovelace"
    ),
    AliasLearned(platform_user_id=USER_ID),
    ChatMoved(platform_user_id=USER_ID),
    ChatMerged(
        into=OTHER_CHAT,
        platform=Platform.WHATSAPP,
        platform_user_id=USER,
        provider="whatsapp_cloud",
        account=ACCOUNT,
        is_group=False,
    ),
    ConversationOpened(conversation_id=TALK, number=3),
    MessageReceived(
        message_id=MESSAGE,
        conversation_id=TALK,
        number=5,
        user_number=3,
        origin=Origin.USER,
        platform_message_id=WAMID,
        platform_timestamp=datetime(2026, 1, 5, 11, 59, 59, tzinfo=UTC),
        content=PHOTO,
        reply_to=SENT_WAMID,
        speaker="4915100000002",
        action=ActionTaken.REPLIED,
    ),
    MessageEdited(
        message_id=MESSAGE,
        platform_message_id=WAMID,
        source_id="wamid.edit.1",
        content=PLACE,
        action=ActionTaken.RECORDED,
    ),
    MessageDeleted(
        message_id=MESSAGE,
        platform_message_id=WAMID,
        source_id="wamid.delete.1",
        action=ActionTaken.RECORDED,
    ),
    NoticeRecorded(
        source_id="notice.1",
        notice="user_changed_number",
        detail={"new_wa_id": "4915112345679"},
        action=ActionTaken.RECORDED,
    ),
    InputUnrecognised(
        source_id="unforeseen.1",
        provider="whatsapp_cloud",
        reason="unknown field: flows",
        action=ActionTaken.UNRECOGNISED,
    ),
    HandlerFailed(handler="opening_hours", error="KeyError", in_reply_to=WAMID),
    QuestionAsked(
        question_id=QUESTION,
        question=Question.VIEW_STATS,
        handler="command.stats",
        provider="whatsapp_cloud",
        account=ACCOUNT,
        in_reply_to=WAMID,
    ),
    QuestionAnswered(question_id=QUESTION, error="the view store does not answer"),
    ReplyGenerated(
        reply_id=REPLY,
        conversation_id=TALK,
        number=6,
        origin=Origin.BOT,
        handler="echo",
        provider="whatsapp_cloud",
        account=ACCOUNT,
        content=WORDS,
        in_reply_to=WAMID,
        received_at=ARRIVED,
    ),
    MessageSent(
        reply_id=REPLY,
        attempt=1,
        platform_message_id=SENT_WAMID,
        http_status=200,
        started_at=STARTED,
        finished_at=FINISHED,
    ),
    MessageSendFailed(
        reply_id=REPLY,
        attempt=1,
        http_status=400,
        error_code="outside_window",
        error_message="Re-engagement message",
        retryable=False,
        started_at=STARTED,
        finished_at=FINISHED,
    ),
    MessageSendUnconfirmed(
        reply_id=REPLY,
        attempt=1,
        error_code="timeout",
        error_message="no answer within 10 s",
        started_at=STARTED,
        finished_at=FINISHED,
    ),
    MessageStatusReported(
        message_id=REPLY,
        platform_message_id=SENT_WAMID,
        attempt=1,
        status=Status.FAILED,
        reported_at=FINISHED,
        error_code="131047",
        error_message="Re-engagement message",
        action=ActionTaken.STATUS,
    ),
    ModeEntered(mode="wappa", until=ARRIVED + timedelta(minutes=30)),
    ModeLeft(mode="wappa", expired=True),
    ConversationClosing(conversation_id=TALK, reason=CloseReason.COMMAND),
    ConversationClosed(conversation_id=TALK, reason=CloseReason.IDLE, message_count=6),
    MessageImported(
        message_id=MESSAGE,
        conversation_id=IMPORTED,
        number=17,
        origin=Origin.HUMAN,
        platform_message_id=WAMID,
        platform_timestamp=datetime(2025, 3, 1, 9, 30, tzinfo=UTC),
        content=WORDS,
        reply_to=SENT_WAMID,
        speaker="4915100000002",
        action=ActionTaken.IMPORTED,
    ),
    EchoHeld(
        platform_message_id=SENT_WAMID,
        platform_timestamp=datetime(2026, 1, 5, 12, 0, tzinfo=UTC),
        content=WORDS,
        reply_to=WAMID,
        speaker="15550001111",
        is_own=True,
        action=ActionTaken.HELD,
    ),
    EchoRecognised(
        platform_message_id=SENT_WAMID, reply_id=REPLY, attempt=1, action=ActionTaken.OWN_ECHO
    ),
    MessageSendConfirmed(
        reply_id=REPLY, attempt=1, platform_message_id=SENT_WAMID, by=Evidence.ECHO
    ),
    ConfirmationTimedOut(reply_id=REPLY, attempt=1),
    MessageSendWithheld(reply_id=REPLY, attempt=1, error_code="outside_window"),
    TemplateChosen(reply_id=REPLY, attempt=1, template="follow_up", language="de", with_words=True),
    RetryScheduled(
        reply_id=REPLY, attempt=1, due=FINISHED + timedelta(minutes=1), holds_later=True
    ),
    LaterRepliesReleased(reply_id=REPLY, attempt=2),
    RetryStarted(reply_id=REPLY, attempt=2),
    RetryRequested(reply_id=REPLY, attempt=3, by="ops@acme.example"),
    FallbackChosen(
        reply_id=REPLY,
        attempt=2,
        number=1,
        platform=Platform.SMS,
        provider="twilio",
        account="AC0123",
        to="+4915112345678",
    ),
    DeliveryAbandoned(reply_id=REPLY, attempt=1, error_code="blocked_by_user"),
    SendRequested(reply_id=REPLY, by="ops@acme.example"),
    CloseRequested(by="ops@acme.example"),
    CommandRefused(
        command="RetryDelivery", by="ops@acme.example", reason="the reply is on its way"
    ),
    BotPaused(reason=PauseReason.MANUAL_PAUSE, by="ops@acme.example"),
    BotResumed(by="ops@acme.example", is_automatic=True),
    MediaJobRequested(
        job_id=JOB,
        kind=JobKind.DESCRIBE,
        message_id=MESSAGE,
        message_kind=MessageKind.IMAGE,
        provider="whatsapp_cloud",
        account=ACCOUNT,
        media=Media(reference="2754859441498128", mime="image/jpeg"),
        stored=STORED,
    ),
    MediaStored(job_id=JOB, attempt=1, message_id=MESSAGE, stored=STORED),
    MediaTranscribed(
        job_id=JOB, attempt=2, message_id=MESSAGE, text="Grüße aus Köln", language="de"
    ),
    MediaTextExtracted(
        job_id=JOB, attempt=1, message_id=MESSAGE, text="Seite 1", pages=12, pages_seen=3
    ),
    MediaDescribed(job_id=JOB, attempt=1, message_id=MESSAGE, text="Der Kölner Dom bei Nacht."),
    ModelCalled(job_id=JOB, attempt=1, kind=JobKind.DESCRIBE, usage=USAGE),
    JobFailed(
        job_id=JOB,
        attempt=1,
        error_code="throttled",
        error_message="429 Too Many Requests",
        retryable=True,
        started_at=STARTED,
        finished_at=FINISHED,
    ),
    JobRetryScheduled(job_id=JOB, attempt=1, due=FINISHED + timedelta(seconds=2)),
    JobRetryStarted(job_id=JOB, attempt=2),
    JobRetryRequested(job_id=JOB, attempt=6, by="ops@acme.example"),
    JobAbandoned(job_id=JOB, attempt=5, error_code="throttled"),
    AssistantJoined(conversation_id=TALK),
    AnswerAwaited(
        message_id=MESSAGE,
        platform_message_id=WAMID,
        provider="whatsapp_cloud",
        account=ACCOUNT,
        ask_at=ARRIVED + timedelta(seconds=1),
        wait_until=ARRIVED + timedelta(seconds=30),
    ),
    AnswerRequested(
        job_id=JOB,
        conversation_id=TALK,
        answers=(MESSAGE,),
        provider="whatsapp_cloud",
        account=ACCOUNT,
        in_reply_to=WAMID,
    ),
    AnswerGiven(
        job_id=JOB,
        reply_id=REPLY,
        answers=(WAMID,),
        usage=USAGE,
        action=ActionTaken.AI_REPLIED,
    ),
    AnswerDiscarded(
        job_id=JOB,
        answers=(WAMID,),
        reason=DiscardReason.PAUSED,
        action=ActionTaken.IGNORED_PAUSED,
    ),
    SummaryRequested(job_id=JOB, conversation_id=TALK),
    ConversationSummarised(
        job_id=JOB,
        conversation_id=TALK,
        text="Ada asked for the opening hours.",
        is_latest=True,
    ),
    PromptAsked(
        job_id=JOB,
        prompt=PROMPT,
        handler="triage",
        provider="whatsapp_cloud",
        account=ACCOUNT,
        in_reply_to=WAMID,
    ),
    PromptAnswered(job_id=JOB, error="timed_out"),
)
INPUTS = (
    WebhookReceived(
        provider="whatsapp_cloud",
        account=ACCOUNT,
        platform=Platform.WHATSAPP,
        kind=ItemKind.MESSAGE,
        platform_user_id=USER,
        message_id=WAMID,
        fragment=FRAGMENT,
    ),
    WebhookUnrouted(
        provider="whatsapp_cloud",
        account=ACCOUNT,
        platform=Platform.WHATSAPP,
        kind=ItemKind.MESSAGE,
        platform_user_id=USER,
        message_id=WAMID,
        fragment=FRAGMENT,
    ),
    SendReported(
        reply_id=REPLY,
        attempt=1,
        outcome=SendOutcome.FAILED,
        started_at=STARTED,
        finished_at=FINISHED,
        platform_message_id=SENT_WAMID,
        http_status=429,
        error_code="throttled",
        error_message="Too many messages",
        retryable=True,
        retry_after_seconds=12.5,
    ),
    AnswerReported(
        question_id=QUESTION, answer={"reachable": False}, error="the view store does not answer"
    ),
    TimerFired(timer=Timer.IDLE_CLOSE, due=DUE),
    CloseConversation(by="ops@acme.example"),
    RetryDelivery(reply_id=REPLY, by="ops@acme.example"),
    SendByHand(content=WORDS, by="ops@acme.example", reply_to=WAMID),
    PauseChat(by="ops@acme.example"),
    ResumeChat(by="ops@acme.example"),
    AutoResume(by="cron"),
    ChatLinked(
        chat_id=OTHER_CHAT,
        started_at=STARTED,
        platform=Platform.WHATSAPP,
        platform_user_id=USER_ID,
        provider="whatsapp_cloud",
        account=ACCOUNT,
        is_group=False,
        known_as=USER,
        moved_to=USER_ID,
    ),
    JobReported(
        job_id=JOB,
        attempt=1,
        started_at=STARTED,
        finished_at=FINISHED,
        stored=STORED,
        text="Seite 1",
        language="de",
        pages=12,
        pages_seen=3,
        usage=USAGE,
        error_code="throttled",
        error_message="429 Too Many Requests",
        retryable=True,
        retry_after_seconds=12.5,
    ),
    RetryJob(job_id=JOB, by="ops@acme.example"),
)
ORDERS = (
    SendMessage(
        reply_id=REPLY,
        attempt=1,
        provider="whatsapp_cloud",
        account=ACCOUNT,
        to=USER,
        content=WORDS,
        reply_to=WAMID,
        received_at=ARRIVED,
    ),
    AnswerQuestion(question_id=QUESTION, question=Question.VIEW_STATS),
    ProcessMedia(
        job_id=JOB,
        attempt=1,
        kind=JobKind.DESCRIBE,
        message_id=MESSAGE,
        message_kind=MessageKind.IMAGE,
        provider="whatsapp_cloud",
        account=ACCOUNT,
        media=Media(reference="2754859441498128", mime="image/jpeg"),
        stored=STORED,
    ),
    GenerateAnswer(
        job_id=JOB,
        attempt=1,
        conversation=(SAID,),
        unanswered=(MESSAGE,),
        summary="Ada asked for the opening hours.",
        name="Ada",
    ),
    SummariseConversation(
        job_id=JOB,
        attempt=1,
        conversation_id=TALK,
        conversation=(SAID,),
        summary="Ada asked for the opening hours.",
    ),
    AskModel(job_id=JOB, attempt=1, prompt=PROMPT),
)


ORDER = identity.order_id(CAUSE, 0)
NOBODY = identity.chat_of(tenant="", platform="whatsapp", account=ACCOUNT, platform_user_id="")
UNROUTED = identity.input_id(
    tenant="", provider="whatsapp_cloud", account=ACCOUNT, kind="message", message_id=WAMID
)
REPORT = identity.report_id(reply_id=REPLY, attempt=1)
SOURCES = {
    WebhookReceived: (CAUSE, CAUSE, "/chatfold/gateway"),
    WebhookUnrouted: (UNROUTED, UNROUTED, "/chatfold/gateway"),
    SendReported: (REPORT, ORDER, "/chatfold/agent/delivery"),
    AnswerReported: (identity.answer_id(QUESTION), ORDER, "/chatfold/agent/reply"),
    TimerFired: (TIMER, TIMER, "/chatfold/decider"),
    CloseConversation: (CLICK, CLICK, "/chatfold/cli"),
    RetryDelivery: (CLICK, CLICK, "/chatfold/cli"),
    SendByHand: (CLICK, CLICK, "/chatfold/cli"),
    PauseChat: (CLICK, CLICK, "/chatfold/cli"),
    ResumeChat: (CLICK, CLICK, "/chatfold/cli"),
    AutoResume: (CLICK, CLICK, "/chatfold/cli"),
    ChatLinked: (LINK, CAUSE, "/chatfold/decider"),
    JobReported: (identity.job_report_id(job=JOB, attempt=1), ORDER, "/chatfold/agent/media"),
    RetryJob: (CLICK, CLICK, "/chatfold/cli"),
}


def examples() -> dict[str, Recorded[object]]:
    """An example of every newest type, by its name."""
    decided = (CAUSE, "/chatfold/decider")
    return {
        **{f.type: _recorded(f, identity.fact_id(CAUSE, 0), *decided, sequence=42) for f in FACTS},
        **{i.type: _recorded(i, *SOURCES[type(i)]) for i in INPUTS},
        **{o.type: _recorded(o, ORDER, *decided) for o in ORDERS},
    }


def published() -> set[str]:
    """The name of every type that the log may hold, superseded ones too."""
    return set(codec.TYPES) | set(upcasting.OLDER)


def path(name: str) -> Path:
    """The golden file of a type."""
    return FOLDER / f"{name}.json"


def read(name: str) -> Record:
    """The record in the golden file of a type."""
    told = orjson.loads(path(name).read_bytes())
    headers = [(header, text.encode()) for header, text in told["headers"].items()]
    return Record(told["key"].encode(), orjson.dumps(told["value"]), headers)


def shape(name: str) -> dict[str, str]:
    """What a type is made of: each field with its type, and with its default if it has one.

    The bytes alone do not tell: what a field with a default says by default is left out.
    """
    schema = schemas.schemas()[name]
    return dict(_fields(schema, schema.get("$defs", {}), ""))


def published_shape(name: str) -> dict[str, str]:
    """What the type was made of when it was published."""
    told: dict[str, str] = orjson.loads(path(name).read_bytes())["shape"]
    return told


def write(name: str, record: Record) -> None:
    """Write the golden file of a type."""
    told = {
        "key": record.key.decode(),
        "headers": {header: text.decode() for header, text in record.headers},
        "value": orjson.loads(record.value or b""),
        "shape": shape(name),
    }
    _dump(path(name), told)


def words() -> dict[str, list[str]]:
    """The words of each closed set, in their order."""
    return {one.__name__: [word.value for word in one] for one in CLOSED_SETS}


def published_words() -> dict[str, list[str]]:
    """The words of each closed set that the log may hold."""
    told: dict[str, list[str]] = orjson.loads(WORDS_FILE.read_bytes())
    return told


def write_words() -> None:
    """Add what is new to the published words; what was published stays, first."""
    before = published_words() if WORDS_FILE.exists() else {}
    after = {
        name: [*before.get(name, []), *(w for w in now if w not in before.get(name, []))]
        for name, now in words().items()
    }
    WORDS_FILE.parent.mkdir(exist_ok=True)
    _dump(WORDS_FILE, before | after)


def _fields(schema: Schema, defs: Schema, prefix: str) -> Iterator[tuple[str, str]]:
    for field, told in schema["properties"].items():
        kinds = [_kind(one) for one in told.get("anyOf", [told])]
        default = f" = {codec.dumps(told['default']).decode()}" if "default" in told else ""
        yield prefix + field, " | ".join(kinds) + default
        for kind in kinds:
            if "properties" in defs.get(kind, {}):
                yield from _fields(defs[kind], defs, f"{prefix}{field}.")


def _kind(told: Schema) -> str:
    reference = told.get("$ref")
    return reference.rpartition("/")[2] if reference else told.get("format", told["type"])


def _dump(file: Path, value: object) -> None:
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    file.write_bytes(orjson.dumps(value, option=options))


def _recorded(
    data: object, its_id: str, cause: str, source: str, *, sequence: int = 0
) -> Recorded[object]:
    begins_a_chain = cause == its_id
    is_routed = not isinstance(data, WebhookUnrouted)
    return Recorded(
        id=its_id,
        time=ARRIVED,
        source=source,
        tenant="acme" if is_routed else "",
        chat_id=CHAT if is_routed else NOBODY,
        causation_id=cause,
        correlation_id=its_id if begins_a_chain else CAUSE,
        data=data,
        sequence=sequence,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )


if __name__ == "__main__":
    for missing, example in examples().items():
        if not path(missing).exists():
            write(missing, envelope.encode(example))
    write_words()
