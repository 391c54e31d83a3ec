"""The closed table of send failures: code, whether it may succeed later, what to do."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class FailureCode(StrEnum):
    """Why a provider refused, in our words."""

    THROTTLED = "throttled"
    PROVIDER_DOWN = "provider_down"
    UNAUTHENTICATED = "unauthenticated"
    ACCOUNT_DISABLED = "account_disabled"
    OUTSIDE_WINDOW = "outside_window"
    RECIPIENT_UNREACHABLE = "recipient_unreachable"
    BLOCKED_BY_USER = "blocked_by_user"
    CONTENT_REFUSED = "content_refused"
    QUOTA_EXHAUSTED = "quota_exhausted"
    CHAT_MOVED = "chat_moved"
    MEDIA_UNAVAILABLE = "media_unavailable"
    TOO_LARGE = "too_large"
    NOT_CONFIGURED = "not_configured"
    ACCOUNT_STOPPED = "account_stopped"
    CROWDED = "crowded"
    REFUSED = "refused"
    UNSAFE_ADDRESS = "unsafe_address"
    ORDER_UNREADABLE = "order_unreadable"


class Unknown(StrEnum):
    """Why nobody knows whether the provider took a message."""

    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    INTERRUPTED = "interrupted"
    MALFORMED_ANSWER = "malformed_answer"
    SERVER_ERROR = "server_error"


@dataclass(frozen=True, slots=True)
class Meaning:
    """Whether a failure may pass by itself, and a sentence for the operator."""

    retryable: bool
    advice: str


MEANINGS: Final = MappingProxyType(
    {
        FailureCode.THROTTLED: Meaning(
            retryable=True, advice="Too many messages; it is tried again later."
        ),
        FailureCode.PROVIDER_DOWN: Meaning(
            retryable=True, advice="The provider has trouble; it is tried again."
        ),
        FailureCode.UNAUTHENTICATED: Meaning(
            retryable=False, advice="Renew the account's access token, then retry."
        ),
        FailureCode.ACCOUNT_DISABLED: Meaning(
            retryable=False, advice="The provider has closed the account."
        ),
        FailureCode.OUTSIDE_WINDOW: Meaning(
            retryable=False, advice="The 24 hours are over; send a template."
        ),
        FailureCode.RECIPIENT_UNREACHABLE: Meaning(
            retryable=False, advice="This person cannot be reached here."
        ),
        FailureCode.BLOCKED_BY_USER: Meaning(
            retryable=False, advice="The user has blocked the account."
        ),
        FailureCode.CONTENT_REFUSED: Meaning(
            retryable=False, advice="The provider does not take this content."
        ),
        FailureCode.QUOTA_EXHAUSTED: Meaning(
            retryable=False, advice="The account's quota is used up."
        ),
        FailureCode.CHAT_MOVED: Meaning(
            retryable=False, advice="The chat has a new id; send to that."
        ),
        FailureCode.MEDIA_UNAVAILABLE: Meaning(
            retryable=True, advice="The provider cannot read the file now."
        ),
        FailureCode.TOO_LARGE: Meaning(retryable=False, advice="The file is larger than allowed."),
        FailureCode.NOT_CONFIGURED: Meaning(
            retryable=False, advice="Give the account its credentials, then retry."
        ),
        FailureCode.ACCOUNT_STOPPED: Meaning(
            retryable=True,
            advice="Renew the account's access; until it works, its messages wait and are tried.",
        ),
        FailureCode.CROWDED: Meaning(
            retryable=True,
            advice="Not asked: as many as may wait for the account do; it comes again by itself.",
        ),
        FailureCode.REFUSED: Meaning(
            retryable=False, advice="The provider refused; see its own words."
        ),
        FailureCode.UNSAFE_ADDRESS: Meaning(
            retryable=False, advice="The file is at an address that is not the provider's own."
        ),
        FailureCode.ORDER_UNREADABLE: Meaning(
            retryable=False,
            advice="Not asked: the agent cannot read the order; update it, then retry.",
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendFailure:
    """The provider refused; `detail` is its own words, without secrets."""

    code: FailureCode
    http_status: int | None
    detail: str
    retry_after_seconds: float | None = None

    @property
    def retryable(self) -> bool:
        """Whether it may succeed later."""
        return MEANINGS[self.code].retryable


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """Nobody knows whether the provider took the message; it is never sent again blindly."""

    reason: Unknown
    http_status: int | None
    detail: str


Refusal = SendFailure | Unconfirmed
