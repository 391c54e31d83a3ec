"""The projections that can be rebuilt, by name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatfold.own_projections import found
from chatfold.rebuilding import tables
from chatfold.rebuilding.reading import Facts
from chatfold.rebuilding.target import Target
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections import view_store
from projections.registry import TABLES, Projection


def projections(settings: Settings) -> dict[str, Projection[Facts]]:
    """Those into tables: ours, and a team's own."""
    return {one.name: one for one in (TABLES, *found(settings.projections))}


def names(settings: Settings) -> list[str]:
    """All of them."""
    return [*projections(settings), view_store.NAME]


@asynccontextmanager
async def opened(settings: Settings, name: str) -> AsyncIterator[Target]:
    """The projection of this name; raises `Refusal` if there is none.

    Redis's client is loaded for views only: processes that fill tables are smaller without.
    """
    if name == view_store.NAME:
        from chatfold.rebuilding import views  # noqa: PLC0415  # see above

        async with views.opened(settings) as target:
            yield target
        return
    known = projections(settings)
    if name not in known:
        told = ", ".join(names(settings))
        raise Refusal(f"there is no projection {name}; there are: {told}")
    async with tables.opened(settings, known[name]) as into_tables:
        yield into_tables
