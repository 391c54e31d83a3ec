"""Two builds of tables compared where both are equally far."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from chatfold import database
from chatfold.rebuilding.target import Advance, Difference
from chatfold.refusal import Refusal
from projections.build import LIVE, Build
from projections.builds import Builds
from projections.comparing import compare
from projections.tables import Table

_WAIT_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """The tables to compare, and where they are."""

    pool: database.Pool
    builds: Builds
    tables: Sequence[Table]
    topic: str
    limit: int

    async def diff(self, both: Sequence[Build], advance: Advance | None) -> Difference:
        """The builds in one snapshot; with `advance` equally far."""
        live = next((build for build in both if build.state == LIVE), None)
        others = [build for build in both if build.state != LIVE]
        if advance is None or live is None or len(others) != 1:
            async with self._snapshot() as reader:
                return await self._compare(reader, both)
        return await self._level(live, others[0], both, advance)

    async def _level(
        self, live: Build, other: Build, both: Sequence[Build], advance: Advance
    ) -> Difference:
        """The projector waits while the other reads what it is behind, not while we compare."""
        deadline = asyncio.get_running_loop().time() + _WAIT_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            async with self.pool.acquire() as connection:
                holding = connection.transaction()
                await holding.start()
                try:
                    if await self._bring_up(connection, live, other, advance):
                        async with self._snapshot() as reader:
                            await self.builds.positions(reader, live, self.topic)
                            await holding.commit()
                            return await self._compare(reader, both)
                finally:
                    if not connection.is_closed() and connection.is_in_transaction():
                        await holding.rollback()
            await asyncio.sleep(_LOOK_SECONDS)
        raise Refusal(
            f"build {other.name} is ahead of the live one, which did not follow within"
            f" {_WAIT_SECONDS:.0f} s: does the projector run?"
        )

    async def _bring_up(
        self, connection: database.Connection, live: Build, other: Build, advance: Advance
    ) -> bool:
        """Whether both are equally far now; the live one stays so while the transaction is open."""
        await connection.execute(
            f"LOCK TABLE {self.builds.live}.projection_offsets IN EXCLUSIVE MODE"
        )
        wanted = await self.builds.positions(connection, live, self.topic)
        there = await self.builds.positions(connection, other, self.topic)
        if any(there.get(part, 0) > wanted.get(part, 0) for part in there):
            return False
        await advance(other, {part: end for part, end in wanted.items() if there.get(part) != end})
        return True

    async def _compare(self, reader: database.Connection, both: Sequence[Build]) -> Difference:
        first, second = both
        at = [await self.builds.positions(reader, build, self.topic) for build in both]
        tables = [
            await compare(
                reader,
                table,
                first=self.builds.schema(first),
                second=self.builds.schema(second),
                limit=self.limit,
            )
            for table in self.tables
        ]
        return Difference(builds=(first.name, second.name), at=(at[0], at[1]), tables=tables)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[database.Connection]:
        async with (
            self.pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection
