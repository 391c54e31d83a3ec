"""Which types each topic holds, and which of them each writer writes."""

from types import MappingProxyType
from typing import Final

from schemas import codec
from schemas.dead_letters import LetterSettled
from schemas.inputs import (
    AnswerReported,
    AutoResume,
    ChatLinked,
    CloseConversation,
    JobReported,
    PauseChat,
    ResumeChat,
    RetryDelivery,
    RetryJob,
    SendByHand,
    SendReported,
    TimerFired,
    WebhookReceived,
    WebhookUnrouted,
)
from schemas.topics import Topics
from schemas.work import (
    AnswerQuestion,
    AskModel,
    GenerateAnswer,
    ProcessMedia,
    SendMessage,
    SummariseConversation,
)

TENANT: Final = "Tenant.v1"
STATE: Final = "ChatState"
SEEN: Final = "SeenId"
DEAD_LETTER: Final = "DeadLetter"

HELD: Final = MappingProxyType[str, tuple[str, ...]](
    {
        "inbox": tuple(codec.INPUTS),
        "events": tuple(codec.FACTS),
        "work_delivery": (SendMessage.type,),
        "work_reply": (
            AnswerQuestion.type,
            GenerateAnswer.type,
            SummariseConversation.type,
            AskModel.type,
        ),
        "work_media": (ProcessMedia.type,),
        "chat_state": (STATE,),
        "seen": (SEEN,),
        "tenants": (TENANT,),
        "dead_letters": (DEAD_LETTER, LetterSettled.type),
    }
)
"""By the name of the topic's property in `schemas.topics.Topics`."""

ABOUT: Final = MappingProxyType(
    {
        STATE: "What the decider remembers of a chat, or the position it has reached; internal, it"
        " may change with any release.",
        SEEN: "When inputs were decided, by their ids; one record a transaction. Internal, it may"
        " change with any release.",
        DEAD_LETTER: "A record as it was, with the headers `dl_reason`, `dl_origin` (topic,"
        " partition, offset) and `dl_stack`; of a fact `dl_projection`, of an order that was"
        " reported as failed `dl_reported`, and `dl_replayed` (the origin before) if it was"
        " replayed in vain.",
    }
)
"""What has no schema."""

_WANTED: Final = (
    CloseConversation.type,
    RetryDelivery.type,
    RetryJob.type,
    SendByHand.type,
    PauseChat.type,
    ResumeChat.type,
    AutoResume.type,
)

TO_INBOX: Final = MappingProxyType[str, tuple[str, ...]](
    {
        "gateway": (WebhookReceived.type, WebhookUnrouted.type),
        "decider": (
            TimerFired.type,
            ChatLinked.type,
            WebhookReceived.type,
            CloseConversation.type,
            SendByHand.type,
            PauseChat.type,
            ResumeChat.type,
            AutoResume.type,
            RetryDelivery.type,
            RetryJob.type,
        ),
        "delivery": (SendReported.type,),
        "reply": (AnswerReported.type, JobReported.type),
        "media": (JobReported.type,),
        "api": _WANTED,
        "operators": _WANTED,
    }
)
"""`inbox` is where all meet: what each writes there; the decider, what found a tenant
late, and what is for another chat."""

BESIDE_ROLES: Final = MappingProxyType(
    dict.fromkeys(
        ("inbox", "work_delivery", "work_reply", "work_media", "tenants", "dead_letters"),
        "operators",
    )
)
"""Topics that the command line writes too: to inbox and work what is replayed of dead letters."""


def topics(prefixed: Topics) -> dict[str, str]:
    """Every topic's name by its property in `Topics`."""
    return {name: getattr(prefixed, name) for name in HELD}


def sent(writer: str, topic: str) -> tuple[str, ...]:
    """The types that `writer` writes to `topic`."""
    return TO_INBOX[writer] if topic == "inbox" else HELD[topic]
