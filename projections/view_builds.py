"""The builds of the views in one store: what a rebuild, a comparison and a promotion ask of it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from projections.build import Build
from projections.scope import Scope
from projections.view_store import Chat, ViewStore


class Overtaken(Exception):
    """Somebody was in the way: try again."""


class ViewBuilds(Protocol):
    """Raises `SinkUnavailable`, and `ProjectionRefused` with what a person can mend."""

    async def live(self) -> ViewStore:
        """The live one, to be written for as long as it is that."""

    def of(self, build: Build) -> ViewStore:
        """This one, whether it is live or not."""

    async def all(self) -> list[Build]:
        """The oldest first; the live one is always among them."""

    async def begin(self, name: str | None, scope: Scope, now: datetime) -> Build:
        """A new one, empty."""

    async def finish(self, build: Build, now: datetime) -> None:
        """Let it be compared and promoted."""

    async def drop(self, name: str) -> None:
        """Remove one that is not live; whoever fills it notices at its next batch."""

    async def positions(self, build: Build, topic: str) -> dict[int, int]:
        """How far it is, by partition."""

    async def moved_at(self, build: Build) -> datetime | None:
        """When a position was last moved."""

    def chats(self, build: Build) -> AsyncIterator[Sequence[Chat]]:
        """Every chat that is known there, some at a time; one may come twice."""

    def alone(self, build: Build) -> AbstractAsyncContextManager[bool]:
        """Whether nobody else fills the build while the block runs."""

    def held(self) -> AbstractAsyncContextManager["Hold"]:
        """While the block runs the live build stands still, its writers wait."""


class Hold(Protocol):
    """The live build, standing still."""

    async def promote(self, build: Build, now: datetime) -> Build:
        """Let the build take the live one's place in one step; what was live until then.

        Raises `Overtaken` if it could not hold out, or if readers would see less than before.
        """

    async def assure(self) -> None:
        """Raise `Overtaken` if it did not stand still since it was held."""
