"""The changelog of ids that were decided: one record for all ids of a transaction."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from aiokafka import ConsumerRecord

from schemas.letters import Letter

TOGETHER: Final = b"together"
"""The key of a record of many ids; it was the id itself while each had a record of its own."""

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(dict[bytes, datetime])


def together(seen: dict[bytes, datetime]) -> Letter:
    """What is appended to remember these ids."""
    return Letter(TOGETHER, _ENCODER.encode(seen))


def read(records: Iterable[ConsumerRecord]) -> dict[bytes, datetime]:
    """The ids in these records, and when they were decided."""
    found: dict[bytes, datetime] = {}
    for record in records:
        if record.key == TOGETHER:
            found |= _DECODER.decode(record.value)
        else:
            found[record.key] = datetime.fromisoformat(record.value.decode())
    return found
