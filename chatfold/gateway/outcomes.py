"""Every way in which a webhook can be answered."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Outcome(StrEnum):
    """How a webhook was answered: a closed set, for labels."""

    ACCEPTED = "accepted"
    CHALLENGED = "challenged"
    CHALLENGE_REFUSED = "challenge_refused"
    CUT_OFF = "cut_off"
    FAILED = "failed"
    NOT_JSON = "not_json"
    OVERLOADED = "overloaded"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    UNAUTHENTICATED = "unauthenticated"
    UNAVAILABLE = "unavailable"
    UNKNOWN_PROVIDER = "unknown_provider"
    UNKNOWN_TENANT = "unknown_tenant"
    WRONG_METHOD = "wrong_method"
    WRONG_TYPE = "wrong_type"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a webhook is not taken; `status` and `text` are what the caller learns."""

    outcome: Outcome
    status: int
    text: str


REJECTIONS: Final = MappingProxyType(
    {
        refusal.outcome: refusal
        for refusal in (
            Rejection(Outcome.CHALLENGE_REFUSED, 403, "the verification is not ours"),
            Rejection(Outcome.FAILED, 500, "an error on our side; it is logged"),
            Rejection(Outcome.NOT_JSON, 400, "the body is not JSON"),
            Rejection(Outcome.OVERLOADED, 503, "too many webhooks at once; try again later"),
            Rejection(Outcome.TOO_LARGE, 413, "the body is too large"),
            Rejection(Outcome.TOO_SLOW, 408, "the body did not arrive in time"),
            Rejection(Outcome.UNAUTHENTICATED, 401, "the webhook is not authentic"),
            Rejection(Outcome.UNAVAILABLE, 503, "the webhook could not be stored; try again later"),
            Rejection(Outcome.UNKNOWN_PROVIDER, 404, "there is no such provider"),
            Rejection(Outcome.UNKNOWN_TENANT, 404, "there is no such tenant"),
            Rejection(Outcome.WRONG_METHOD, 405, "this address takes POST, PUT, PATCH and DELETE"),
            Rejection(Outcome.WRONG_TYPE, 415, "the content type must be application/json"),
        )
    }
)
