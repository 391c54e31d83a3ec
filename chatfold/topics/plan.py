"""The topics of a deployment as they should be, and what is wrong with those that are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chatfold.settings import Settings
from schemas.topics import Topics, TopicSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The topics that one deployment needs, and where."""

    bootstrap: str
    prefix: str
    specs: tuple[TopicSpec, ...]
    partitions: int
    replication: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicState:
    """A topic as Kafka has it; `overrides` are the settings of this topic alone."""

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]
    overrides: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, and how to mend it."""

    topic: str | None
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what}: {self.mend}"


def plan(settings: Settings) -> Plan:
    """The topics that `settings` ask for."""
    specs = Topics(settings.topic_prefix).specs(dedupe_window_days=settings.dedupe_window_days)
    return Plan(
        bootstrap=settings.bootstrap,
        prefix=settings.topic_prefix,
        specs=specs,
        partitions=settings.partitions,
        replication=settings.replication_factor,
    )


def compare(wanted: Plan, found: Mapping[str, TopicState]) -> list[Problem]:
    """What is wrong with the topics that Kafka has."""
    return [
        problem
        for spec in wanted.specs
        for problem in _compare_one(spec, wanted.partitions, found.get(spec.name))
    ]


def sentences(problems: Sequence[Problem]) -> list[str]:
    """`problems` in words; those with one remedy share a sentence."""
    by_remedy: dict[str, list[Problem]] = {}
    for problem in problems:
        by_remedy.setdefault(problem.mend, []).append(problem)
    return [_sentence(alike) for alike in by_remedy.values()]


def _sentence(alike: Sequence[Problem]) -> str:
    others = f", and {len(alike) - 1} more like it" if len(alike) > 1 else ""
    return f"{alike[0].what}{others}: {alike[0].mend}"


def _compare_one(spec: TopicSpec, partitions: int, state: TopicState | None) -> Iterable[Problem]:
    if state is None:
        yield Problem(
            topic=spec.name,
            what=f"topic {spec.name} is missing",
            mend="run `chatfold topics apply`",
        )
        return
    if state.partitions != partitions:
        yield _wrong_partitions(state, partitions)
    for name, value in wrong_config(spec, state).items():
        yield Problem(
            topic=spec.name,
            what=f"topic {spec.name} has {name}={state.config.get(name)}, not {value}",
            mend="run `chatfold topics apply`",
        )


def _wrong_partitions(state: TopicState, partitions: int) -> Problem:
    return Problem(
        topic=state.name,
        what=f"topic {state.name} has {state.partitions} partitions, not {partitions}",
        mend=f"set CHATFOLD_PARTITIONS={state.partitions}, or another CHATFOLD_TOPIC_PREFIX for"
        " new topics; the count decides where a chat is and cannot be changed",
    )


def wrong_config(spec: TopicSpec, state: TopicState) -> dict[str, str]:
    """The settings that `state` should have and has not."""
    return {k: v for k, v in spec.config.items() if state.config.get(k) != v}
