"""Whose turn it is to answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """The handler, the message it answers, and the account to answer by."""

    handler: str
    in_reply_to: str
    provider: str
    account: str
