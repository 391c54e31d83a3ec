"""Which rows cannot be in a table yet: what a table that began empty lets us copy into it."""

from collections.abc import Sequence
from typing import Final

from projections.fold import Folded
from projections.rows import Write

_BITS: Final = 1 << 27  # 16 MiB; of ten million rows, one in thirteen is taken for a known one


class Unseen:
    """Remembers by hash which rows were written; says "new" only of rows that surely are.

    A row that is taken for a known one is merged as always, which makes the same row of it.
    """

    def __init__(self) -> None:
        self._seen = bytearray(_BITS >> 3)

    def split(self, table: str, folded: Folded) -> tuple[Folded, Sequence[Write]]:
        """What must be merged, and the rows that are new; all count as seen from now on."""
        known: list[Write] = []
        new: list[Write] = []
        seen = self._seen
        for write in folded.upserts:
            place = hash((table, write.key)) & (_BITS - 1)
            byte, bit = place >> 3, 1 << (place & 7)
            if seen[byte] & bit:
                known.append(write)
            else:
                seen[byte] |= bit
                new.append(write)
        return Folded(folded.before, folded.patches, known), new
