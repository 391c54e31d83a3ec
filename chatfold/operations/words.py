"""How a delivery stands and what it waits for, in the words that operators are given."""

from enum import StrEnum


class Awaited(StrEnum):
    """What a delivery waits for before it is tried again."""

    RETRY = "retry"
    OPERATOR = "operator"


class Status(StrEnum):
    """How a delivery stands; `saved_only`: not attempted, or nobody knows whether it arrived."""

    PENDING = "pending"
    SAVED_ONLY = "saved_only"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    DELETED = "deleted"
