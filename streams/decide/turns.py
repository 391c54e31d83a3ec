"""Whose turn it is to answer."""

from schemas.value import Value


class Turn(Value, frozen=True):
    """The handler, the message it answers, and the account to answer by."""

    handler: str
    in_reply_to: str
    provider: str
    account: str
