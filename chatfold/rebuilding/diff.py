"""Two builds compared where both are equally far."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from chatfold import database
from chatfold.rebuilding.rebuild import follow
from chatfold.rebuilding.target import Target
from chatfold.refusal import Refusal
from projections.builds import LIVE, Build
from projections.comparing import TableDifference, compare

_WAIT_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.1

Positions = Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two builds compare; only where `at` are the same is every difference a real one."""

    builds: tuple[str, str]
    at: tuple[Positions, Positions]
    tables: Sequence[TableDifference]

    @property
    def is_exact(self) -> bool:
        """Whether both have read the same."""
        return self.at[0] == self.at[1]

    @property
    def is_equal(self) -> bool:
        """Whether every row is the same."""
        return all(table.is_equal for table in self.tables)


async def diff(
    target: Target, first: str, second: str, *, catches_up: bool, limit: int
) -> Difference:
    """The builds in one snapshot; with `catches_up` the other is first as far as the live one.

    Raises `Refusal` if that takes too long.
    """
    async with target.pool.acquire() as connection:
        builds = [await target.builds.get(connection, name) for name in (first, second)]
    live = next((build for build in builds if build.state == LIVE), None)
    others = [build for build in builds if build.state != LIVE]
    if not catches_up or live is None or len(others) != 1:
        async with _snapshot(target) as reader:
            return await _compare(target, reader, builds, limit)
    return await _level(target, live, others[0], builds, limit)


async def _level(
    target: Target, live: Build, other: Build, builds: Sequence[Build], limit: int
) -> Difference:
    """The projector waits while the other reads what it is behind, but not while we compare."""
    deadline = asyncio.get_running_loop().time() + _WAIT_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        async with target.pool.acquire() as connection:
            holding = connection.transaction()
            await holding.start()
            try:
                if await _bring_up(target, connection, live, other):
                    async with _snapshot(target) as reader:
                        await target.builds.positions(reader, live, target.place.topic)
                        await holding.commit()
                        return await _compare(target, reader, builds, limit)
            finally:
                if not connection.is_closed() and connection.is_in_transaction():
                    await holding.rollback()
        await asyncio.sleep(_LOOK_SECONDS)
    raise Refusal(
        f"build {other.name} is ahead of the live one, which did not follow within"
        f" {_WAIT_SECONDS:.0f} s: does the projector run?"
    )


async def _bring_up(
    target: Target, connection: database.Connection, live: Build, other: Build
) -> bool:
    """Whether both are equally far now, and the live one stays so while the transaction is open."""
    await connection.execute(
        f"LOCK TABLE {target.builds.live}.projection_offsets IN EXCLUSIVE MODE"
    )
    topic = target.place.topic
    wanted = await target.builds.positions(connection, live, topic)
    there = await target.builds.positions(connection, other, topic)
    if any(there.get(part, 0) > wanted.get(part, 0) for part in there):
        return False
    spans = {part: (0, end) for part, end in wanted.items() if there.get(part) != end}
    await follow(target, other, spans, asyncio.Event())
    return True


async def _compare(
    target: Target, reader: database.Connection, builds: Sequence[Build], limit: int
) -> Difference:
    first, second = builds
    topic = target.place.topic
    at = [await target.builds.positions(reader, build, topic) for build in builds]
    tables = [
        await compare(
            reader,
            table,
            first=target.builds.schema(first),
            second=target.builds.schema(second),
            limit=limit,
        )
        for table in target.projection.tables
    ]
    return Difference(builds=(first.name, second.name), at=(at[0], at[1]), tables=tables)


@asynccontextmanager
async def _snapshot(target: Target) -> AsyncIterator[database.Connection]:
    async with (
        target.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection
