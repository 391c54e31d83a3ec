"""Which rows cannot be in a table yet: what a table that began empty lets us copy into it."""

from typing import Final

from projections.rows import Key

_BITS: Final = 1 << 27  # 16 MiB; of ten million rows, one in thirteen is taken for a known one


class Unseen:
    """Remembers rows by hash; says that it does not know only those that surely never came.

    A row that is taken for a known one is merged as always, which makes the same row of it.
    """

    def __init__(self) -> None:
        self._seen = bytearray(_BITS >> 3)

    def knows(self, table: str, key: Key) -> bool:
        """Whether the row may be there; from now on it may."""
        place = hash((table, key)) & (_BITS - 1)
        byte, bit = place >> 3, 1 << (place & 7)
        if self._seen[byte] & bit:
            return True
        self._seen[byte] |= bit
        return False
