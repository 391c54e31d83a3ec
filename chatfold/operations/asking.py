"""An operator's action as an input of the log: its id, who asked for it, and through what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas import codec, identity
from schemas.envelope import Recorded
from schemas.inputs import (
    AutoResume,
    CloseConversation,
    PauseChat,
    ResumeChat,
    RetryDelivery,
    RetryJob,
    SendByHand,
)

Action = (
    RetryDelivery | RetryJob | SendByHand | PauseChat | ResumeChat | AutoResume | CloseConversation
)

LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and through what.

    With a `key` of the asker's own, asking again for the same is the same input and counts once.
    """

    by: str
    source: str
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An action that is in the log for good; the delivery or the job it is about, if any."""

    input_id: str
    chat_id: str
    reply_id: str | None = None
    job_id: str | None = None


def recorded(
    action: Action, asker: Asker, *, tenant: str, chat_id: str, now: datetime
) -> Recorded[Action]:
    """The input of `action`, which reached us `now`."""
    own_id = _id(action, asker, chat_id, now)
    return Recorded(
        id=own_id,
        time=now,
        source=asker.source,
        tenant=tenant,
        chat_id=chat_id,
        causation_id=own_id,
        correlation_id=own_id,
        data=action,
    )


def _id(action: Action, asker: Asker, chat_id: str, now: datetime) -> str:
    """By the key, else by the moment and all that is asked for."""
    if asker.key is None:
        which = (now.isoformat(), codec.dumps(action).decode())
    else:
        which = ("key", asker.key)
    return identity.derive("operator", action.type, asker.by, chat_id, _about(action), *which)


def _about(action: Action) -> str:
    match action:
        case RetryDelivery():
            return action.reply_id
        case RetryJob():
            return action.job_id
        case _:
            return ""
