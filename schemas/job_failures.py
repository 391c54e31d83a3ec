"""The closed table of failed jobs: code, whether it may succeed later, what to do."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class JobFailureCode(StrEnum):
    """Why a job came to nothing, in our words."""

    NOT_CONFIGURED = "not_configured"
    UNAUTHENTICATED = "unauthenticated"
    THROTTLED = "throttled"
    QUOTA_EXHAUSTED = "quota_exhausted"
    SERVICE_DOWN = "service_down"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    MALFORMED_ANSWER = "malformed_answer"
    REFUSED = "refused"
    MEDIA_UNAVAILABLE = "media_unavailable"
    UNSAFE_ADDRESS = "unsafe_address"
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    CORRUPT = "corrupt"
    ENCRYPTED = "encrypted"
    UNREADABLE = "unreadable"
    UNSUPPORTED = "unsupported"
    STORAGE_DOWN = "storage_down"
    ORDER_UNREADABLE = "order_unreadable"


@dataclass(frozen=True, slots=True)
class Meaning:
    """Whether a failure may pass by itself, and a sentence for the operator."""

    retryable: bool
    advice: str


MEANINGS: Final = MappingProxyType(
    {
        JobFailureCode.NOT_CONFIGURED: Meaning(
            retryable=False, advice="Set the account, key or model that is named, then retry."
        ),
        JobFailureCode.UNAUTHENTICATED: Meaning(
            retryable=False, advice="Renew the key or token, then retry."
        ),
        JobFailureCode.THROTTLED: Meaning(
            retryable=True, advice="Too many requests; it is tried again later."
        ),
        JobFailureCode.QUOTA_EXHAUSTED: Meaning(
            retryable=False, advice="The service wants to be paid; then retry."
        ),
        JobFailureCode.SERVICE_DOWN: Meaning(
            retryable=True, advice="The service has trouble; it is tried again."
        ),
        JobFailureCode.UNREACHABLE: Meaning(
            retryable=True, advice="The service cannot be reached; it is tried again."
        ),
        JobFailureCode.TIMED_OUT: Meaning(
            retryable=True, advice="The service took too long; it is tried again."
        ),
        JobFailureCode.MALFORMED_ANSWER: Meaning(
            retryable=True, advice="The service's answer was cut or makes no sense; tried again."
        ),
        JobFailureCode.REFUSED: Meaning(
            retryable=False, advice="The service refuses this request; see the error."
        ),
        JobFailureCode.MEDIA_UNAVAILABLE: Meaning(
            retryable=False, advice="The provider no longer has the file."
        ),
        JobFailureCode.UNSAFE_ADDRESS: Meaning(
            retryable=False, advice="The file is at an address that must not be asked."
        ),
        JobFailureCode.TOO_LARGE: Meaning(
            retryable=False, advice="The file is larger than is kept or looked at; see the limits."
        ),
        JobFailureCode.EMPTY: Meaning(retryable=False, advice="The file holds nothing."),
        JobFailureCode.CORRUPT: Meaning(
            retryable=True, advice="What came is not the file that was announced; tried again."
        ),
        JobFailureCode.ENCRYPTED: Meaning(
            retryable=False, advice="The document has a password; ask for one without."
        ),
        JobFailureCode.UNREADABLE: Meaning(
            retryable=False, advice="The file is damaged or not what it claims to be."
        ),
        JobFailureCode.UNSUPPORTED: Meaning(
            retryable=False, advice="Nothing here reads files of this kind."
        ),
        JobFailureCode.STORAGE_DOWN: Meaning(
            retryable=True, advice="The object storage has trouble; it is tried again."
        ),
        JobFailureCode.ORDER_UNREADABLE: Meaning(
            retryable=False,
            advice="The agent cannot read the order; update it, then retry.",
        ),
    }
)
