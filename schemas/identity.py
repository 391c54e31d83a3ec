"""Ids are derived, never random: the same input always yields the same bytes."""

from hashlib import sha1
from typing import Final
from uuid import UUID

NAMESPACE: Final = UUID("5f0c2b7e-7a3b-5c55-9d0e-3d6c9a1f4e21").bytes

_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def derive(*parts: str) -> str:
    """The text of `uuid5(NAMESPACE, parts)`; parts are joined by U+001F, which no id holds."""
    name = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    digest = sha1(NAMESPACE + name, usedforsecurity=False).hexdigest()
    variant = _VARIANT[digest[16]]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def chat_id(*, tenant: str, platform: str, platform_user_id: str) -> str:
    """The chat of one person (or group) with one tenant on one platform."""
    return derive("chat", tenant, platform, platform_user_id)


def chat_of(*, tenant: str, platform: str, account: str, platform_user_id: str) -> str:
    """The chat an item belongs to; what concerns the account as a whole has one of its own."""
    who = platform_user_id or f"account:{account}"
    return chat_id(tenant=tenant, platform=platform, platform_user_id=who)


def input_id(*, tenant: str, provider: str, account: str, kind: str, message_id: str) -> str:
    """The id of a webhook item: a redelivery has the same."""
    return derive("input", tenant, provider, account, kind, message_id)


def timer_id(*, chat: str, timer: str, due: str) -> str:
    """The id of one firing of one timer."""
    return derive("timer", chat, timer, due)


def link_id(causation_id: str, *, sender: str, receiver: str) -> str:
    """The id of what one chat tells another of their being one."""
    return derive("link", causation_id, sender, receiver)


def copy_id(input_id: str, *, receiver: str) -> str:
    """The id of an input that is decided in one chat, and once more in `receiver`."""
    return derive("copy", input_id, receiver)


def report_id(*, reply_id: str, attempt: int) -> str:
    """The id of the result of one send attempt."""
    return derive("report", reply_id, str(attempt))


def answer_id(question_id: str) -> str:
    """The id of the answer to a question."""
    return derive("answer", question_id)


def fact_id(causation_id: str, index: int) -> str:
    """The id of the `index`-th fact (from 0) that an input caused."""
    return f"{causation_id}.{index}"


def conversation_id(chat: str, number: int) -> str:
    """The id of a chat's `number`-th conversation (from 1)."""
    return derive("conversation", chat, str(number))


def message_id(*, chat: str, platform_message_id: str) -> str:
    """The id of a message that the platform has named."""
    return derive("message", chat, platform_message_id)


def order_id(causation_id: str, index: int) -> str:
    """The id of the `index`-th work order (from 0) that an input caused."""
    return f"{causation_id}.w{index}"


def reply_id(causation_id: str, index: int) -> str:
    """The id of the `index`-th reply (from 0) that an input caused."""
    return derive("reply", causation_id, str(index))


def job_id(causation_id: str, index: int) -> str:
    """The id of the `index`-th job (from 0) that an input caused."""
    return derive("job", causation_id, str(index))


def job_report_id(*, job: str, attempt: int) -> str:
    """The id of the result of one attempt at a job."""
    return derive("job-report", job, str(attempt))
