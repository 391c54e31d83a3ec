"""Finds a team's own projections by entry point, and makes them such as the projector runs."""

import re
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol, runtime_checkable

from chatfold.refusal import Refusal
from projections.registry import TABLES, TENANTS, Projection, decode_fact
from projections.rows import Write
from projections.tables import Table
from schemas import codec
from schemas.envelope import Recorded
from schemas.facts import Fact

GROUP: Final = "chatfold.projections"
ALL: Final = "*"

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_OURS: Final = frozenset({TABLES.name, TENANTS.name, "views"})
_EXAMPLES: Final = "chatfold"  # the distribution whose projections only run where they are named


@runtime_checkable
class OwnProjection(Protocol):
    """A module or an object: the facts it handles, its tables and their SQL, and a pure `apply`.

    Raise `VERSION` whenever `apply` or the SQL changes: the projector then refuses to mix rows of
    two versions, and says how to build them anew.
    """

    NAME: str
    VERSION: int
    HANDLES: frozenset[type]
    TABLES: tuple[Table, ...]
    SQL: str
    apply: Callable[[Recorded[Fact]], Iterable[Write]]


def found(wanted: str = ALL) -> list[Projection[Recorded[Fact]]]:
    """The projections `wanted`: names with commas between, or all that other packages bring.

    Raises `Refusal` if one cannot be loaded, or is not fit.
    """
    known = {point.name: point for point in entry_points(group=GROUP)}
    names = _all_of(known.values()) if wanted.strip() == ALL else _split(wanted)
    if unknown := [name for name in names if name not in known]:
        raise Refusal(f"CHATFOLD_PROJECTIONS: no projection {', '.join(unknown)} in {GROUP}.")
    projections = [projection(_load(known[name])) for name in names]
    _refuse_clashes(projections)
    return projections


def projection(own: OwnProjection) -> Projection[Recorded[Fact]]:
    """The projection as the projector, a rebuild and dead letters know it; raises `Refusal`."""
    refuse_name(own.NAME)
    if strange := [kind for kind in own.HANDLES if kind not in codec.FACTS.values()]:
        raise Refusal(f"Projection {own.NAME} handles {strange[0]!r}, which is no fact.")
    handles, apply = own.HANDLES, own.apply

    def evolve(recorded: Recorded[Fact]) -> Sequence[Write]:
        return tuple(apply(recorded)) if type(recorded.data) in handles else ()

    return Projection(
        name=own.NAME,
        version=own.VERSION,
        topic=TABLES.topic,
        tables=own.TABLES,
        handles=handles,
        decode=decode_fact,
        evolve=evolve,
        definition=own.SQL,
    )


def refuse_name(name: str) -> None:
    """Raise `Refusal` on a name that no own projection can have."""
    if not _NAME.fullmatch(name) or name in _OURS:
        raise Refusal(f"Projection {name!r}: a name is small letters, digits and _, not ours.")


def _all_of(points: Iterable[EntryPoint]) -> list[str]:
    return sorted(
        point.name for point in points if point.dist is None or point.dist.name != _EXAMPLES
    )


def _split(wanted: str) -> list[str]:
    return [name.strip() for name in wanted.split(",") if name.strip()]


def _load(point: EntryPoint) -> OwnProjection:
    try:
        thing = point.load()
    except (ImportError, AttributeError) as error:
        raise Refusal(f"Projection {point.name} cannot be loaded: {error}") from None
    if not isinstance(thing, OwnProjection):
        lacks = [name for name in OwnProjection.__annotations__ if not hasattr(thing, name)]
        raise Refusal(f"Projection {point.name} ({point.value}) lacks {', '.join(lacks)}.")
    return thing


def _refuse_clashes(projections: Sequence[Projection[Recorded[Fact]]]) -> None:
    """Every table has one writer."""
    owners = {table.name: one.name for one in (TABLES, TENANTS) for table in one.tables}
    for one in projections:
        for table in one.tables:
            if (owner := owners.setdefault(table.name, one.name)) != one.name:
                raise Refusal(f"Projections {owner} and {one.name} both write {table.name}.")
