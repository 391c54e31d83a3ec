"""Two messages that claim one platform id: the first in the log has it, the other goes without.

It happens where a provider echoes what we sent before it has told us the name: the echo is then
recorded as a message of its own. The table's unique index notices; a projection must go on.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from projections.rows import Key, Write

COLUMN = "platform_message_id"

Claim = tuple[str, str]
"""Chat and platform message id."""


def claim(write: Write) -> Claim | None:
    """What the write claims, if anything."""
    name = write.kept.get(COLUMN)
    return (str(write.assigned["chat_id"]), str(name)) if name is not None else None


def settled(writes: Iterable[Write], holders: Mapping[Claim, Key]) -> Iterator[Write]:
    """The writes without the claims of those who come too late."""
    taken = dict(holders)
    for write in writes:
        wanted = claim(write)
        if wanted is not None and taken.setdefault(wanted, write.key) != write.key:
            others = {name: value for name, value in write.kept.items() if name != COLUMN}
            yield replace(write, kept=others)
        else:
            yield write
