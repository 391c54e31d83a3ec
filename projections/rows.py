"""A write to a table as data: which row, which columns, and when it must not be done."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

from schemas import codec, identity
from schemas.content import Json
from schemas.value import Value

Cell = str | int | float | bool | datetime | None
Key = tuple[str | int, ...]
Columns = Mapping[str, Cell]
Amounts = Mapping[str, int]

NOTHING: Final[Columns] = {}  # a plain one: most writes have it, and a proxy is slow to read
NONE: Final[Amounts] = {}

# The order in which one attempt can only move forward; the type delivery_status has the same.
DELIVERY: Final = (
    "pending",
    "saved_only",
    "sent",
    "failed",
    "delivered",
    "read",
    "played",
    "deleted",
)
RANKS: Final = MappingProxyType({status: rank for rank, status in enumerate(DELIVERY)})

_UUID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LARGEST: Final = 2**63 - 1
_LARGEST_INTEGER: Final = 2**31 - 1
_LONGEST_IDENTIFIER: Final = 500  # an index entry of PostgreSQL holds at most 2,704 bytes


class Standing(Value, frozen=True, order=True):
    """How a sent message stands: of two, the greater is kept, whichever came first.

    A later attempt beats an earlier one, and within an attempt the later stage; what is left
    only makes the order total, so that any order of arrival ends in the same row.
    """

    attempt: int
    rank: int
    error_code: str = ""
    error_message: str = ""

    @property
    def status(self) -> str:
        """The name of the stage."""
        return DELIVERY[self.rank]


class Write(Value, frozen=True):
    """What one fact, or several in a row, change in one row of a table.

    `sequence` is the number of the newest fact behind it: a row that has seen that fact
    already is left alone. `assigned` columns take their value in any case; those of `initial`
    only if the row is new; those of `kept` only if they have none yet. Where `initial` is None,
    a row that is not there is not made.

    `added` is for tables of totals alone: amounts to add, whichever chats they come from. There
    no number tells what a row has seen: that each fact counts once is due to the position, which
    moves in the same transaction. Amounts commute, so that partitions may share a row.
    """

    table: str
    key: Key
    sequence: int
    assigned: Columns = NOTHING
    initial: Columns | None = None
    standing: Standing | None = None
    kept: Columns = NOTHING
    added: Amounts = NONE


def add(table: str, key: Key, **amounts: int) -> Write:
    """Add the amounts to the totals of the row, which is made if it is not there."""
    return Write(table, key, 0, NOTHING, NOTHING, added=amounts)


def text(value: str | None) -> str | None:
    """The text as PostgreSQL can hold it: U+0000, which it cannot, becomes U+FFFD."""
    if value is None or "\x00" not in value:
        return value
    return value.replace("\x00", "\ufffd")


def identifier(value: str) -> str:
    """The identifier as an index can hold it: one that is too long keeps its start and a digest."""
    if len(value) > _LONGEST_IDENTIFIER:
        value = f"{value[:_LONGEST_IDENTIFIER]}…{identity.derive(value)}"
    return value.replace("\x00", "\ufffd") if "\x00" in value else value


def is_uuid(value: str) -> bool:
    """Whether it is the text of a UUID; what others give as ours may be anything."""
    return _UUID.fullmatch(value) is not None


def json(value: Json | Sequence[Json] | None) -> str | None:
    """The value as the text of a `jsonb`, again without U+0000."""
    if value is None:
        return None
    written = codec.dumps(value)
    if b"\\u0000" in written:
        written = codec.dumps(_without_nul(value))
    return written.decode()


def size(value: int | None) -> int | None:
    """The number if a `bigint` holds it."""
    return value if value is not None and 0 <= value <= _LARGEST else None


def count(value: int | None) -> int | None:
    """The number if an `integer` holds it."""
    return value if value is not None and 0 <= value <= _LARGEST_INTEGER else None


def _without_nul(value: object) -> object:
    match value:
        case str():
            return text(value)
        case list() | tuple():
            return [_without_nul(one) for one in value]
        case dict():
            return {text(key): _without_nul(one) for key, one in value.items()}
        case _:
            return value
