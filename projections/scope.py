"""The part of the log that a build is made of."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from msgspec import field

from projections.registry import Projection
from projections.rows import Write
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.value import Value

Offsets = Mapping[int, int]


class Scope(Value, frozen=True, kw_only=True):
    """From `first` and up to `until`, left out, of each partition; of one tenant or chat only.

    What is None or not named is not limited. Offsets are kept as they were when the build began,
    so that it ends in the same rows however often it is stopped.
    """

    first: Offsets = field(default_factory=dict)
    until: Offsets = field(default_factory=dict)
    tenant: str | None = None
    chat: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out, so that it can take the place of the live one."""
        return self == WHOLE

    def sees(self, recorded: Recorded[Fact]) -> bool:
        """Whether the fact is one of the tenant and chat."""
        is_tenants = self.tenant in {None, recorded.tenant}
        is_chats = self.chat in {None, recorded.chat_id}
        return is_tenants and is_chats

    def __str__(self) -> str:
        parts = {
            "from": _told(self.first),
            "until": _told(self.until),
            "tenant": self.tenant,
            "chat": self.chat,
        }
        return ", ".join(f"{name} {told}" for name, told in parts.items() if told) or "everything"


WHOLE: Final = Scope()


def limited(projection: Projection[Recorded[Fact]], scope: Scope) -> Projection[Recorded[Fact]]:
    """The projection, blind to the facts of other tenants and chats."""
    if scope.tenant is None and scope.chat is None:
        return projection
    return replace(projection, evolve=_seeing(projection.evolve, scope))


def _seeing(
    evolve: Callable[[Recorded[Fact]], Iterable[Write]], scope: Scope
) -> Callable[[Recorded[Fact]], Iterable[Write]]:
    def evolve_seen(recorded: Recorded[Fact]) -> Iterable[Write]:
        return evolve(recorded) if scope.sees(recorded) else ()

    return evolve_seen


def _told(offsets: Offsets) -> str:
    return " ".join(f"{partition}:{offset}" for partition, offset in sorted(offsets.items()))
