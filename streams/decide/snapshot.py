"""A chat's state as bytes and back; a snapshot that cannot be read is an error, never a guess."""

import math
import struct
from datetime import UTC, datetime
from typing import Final

from schemas import codec
from schemas.inputs import Timer
from streams.decide.state import ChatState

_HEAD: Final = struct.Struct(">qB")
_TIMERS: Final = tuple(Timer)
_NEVER: Final = -1

Due = tuple[datetime, Timer]


def encode(state: ChatState, due: Due | None) -> bytes:
    """When the chat is next due (ms since 1970, which timer), then the state as JSON."""
    moment, timer = (_NEVER, 0) if due is None else (_ms(due[0]), _TIMERS.index(due[1]))
    return _HEAD.pack(moment, timer) + codec.dumps(state)


def decode(data: bytes) -> ChatState:
    """The state; raises `codec.Undecodable`."""
    return codec.decode(ChatState, data[_HEAD.size :])


def due_of(data: bytes) -> Due | None:
    """When the chat is next due, without reading the state."""
    moment, timer = _HEAD.unpack_from(data)
    if moment == _NEVER:
        return None
    return datetime.fromtimestamp(moment / 1000, UTC), _TIMERS[timer]


def _ms(moment: datetime) -> int:
    # Rounded up: a timer that fires a fraction too early would be decided as not due, and
    # its second firing, with the same id, would be taken for a repeat.
    return math.ceil(moment.timestamp() * 1000)
