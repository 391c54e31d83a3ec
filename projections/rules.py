"""What a table is told of a fact: one entry for each kind that changes it, and none for others.

Every other kind leaves the table as it is. That this was meant, a test holds against a list of
all facts by table.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar, cast

from projections.rows import Write
from schemas.envelope import Recorded
from schemas.facts import Fact

F = TypeVar("F", bound=Fact)

Writes = tuple[Write, ...]
Evolve = Callable[[Recorded[Fact], Fact], Writes]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a fact of this kind changes; `evolve` is given what was recorded, and its data."""

    kind: type
    evolve: Evolve


def on(kind: type[F], evolve: Callable[[Recorded[Fact], F], Writes]) -> Rule:
    """The rule for facts of `kind`, which `evolve` must take."""
    return Rule(kind, cast(Evolve, evolve))


def by_kind(tables: Iterable[tuple[Rule, ...]]) -> Mapping[type, tuple[Evolve, ...]]:
    """For each kind of fact what it changes, in the order of the tables."""
    found: dict[type, tuple[Evolve, ...]] = {}
    for rules in tables:
        kinds = [rule.kind for rule in rules]
        assert len(kinds) == len(set(kinds)), "two rules for one kind"
        for rule in rules:
            found[rule.kind] = (*found.get(rule.kind, ()), rule.evolve)
    return MappingProxyType(found)
