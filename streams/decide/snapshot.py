"""A chat's state as bytes and back; a snapshot that cannot be read is an error, never a guess."""

import math
import struct
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

import msgspec

from schemas import codec
from schemas.inputs import Timer
from streams.decide import kept
from streams.decide.state import ChatState

_HEAD: Final = struct.Struct(">qB")
_TIMERS: Final = tuple(Timer)
_NUMBERS: Final = MappingProxyType({timer: number for number, timer in enumerate(Timer)})
_NEVER: Final = -1
_NAMED: Final = b"{"
"""How a state began when it was written as a JSON object; no list begins so."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(ChatState)

Due = tuple[datetime, Timer]


def encode(state: ChatState, due: Due | None) -> bytes:
    """When the chat is next due (ms since 1970, which timer), then the state as MessagePack."""
    head = _HEAD.pack(_NEVER, 0) if due is None else _HEAD.pack(_ms(due[0]), _NUMBERS[due[1]])
    return head + _ENCODER.encode(state)


def decode(data: bytes) -> ChatState:
    """The state; raises `codec.Undecodable`."""
    told = data[_HEAD.size :]
    try:
        return _named(told) if told.startswith(_NAMED) else _DECODER.decode(told)
    except (ValueError, RecursionError) as error:
        raise codec.Undecodable(f"{ChatState.__name__}: {error}") from None


def due_of(data: bytes) -> Due | None:
    """When the chat is next due, without reading the state."""
    moment, timer = _HEAD.unpack_from(data)
    if moment == _NEVER:
        return None
    return datetime.fromtimestamp(moment / 1000, UTC), _TIMERS[timer]


def _named(told: bytes) -> ChatState:
    return kept.from_names(ChatState, codec.loads(told))


def _ms(moment: datetime) -> int:
    # Rounded up: a timer that fires a fraction too early would be decided as not due, and
    # its second firing, with the same id, would be taken for a repeat.
    return math.ceil(moment.timestamp() * 1000)
