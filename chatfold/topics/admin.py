"""Reads, creates and mends topics through Kafka's admin protocol."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from chatfold.eventlog import KafkaUnreachable
from chatfold.topics.plan import Plan, Problem, TopicState, compare, wrong_config
from schemas.topics import TopicSpec

REQUEST_SECONDS: Final = 10.0
VISIBLE_SECONDS: Final = 15.0  # until every broker knows of a change
_TOPIC_OVERRIDE: Final = 1  # config_source DYNAMIC_TOPIC_CONFIG
_ALREADY_EXISTS: Final = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What `apply` did; `problems` are what it cannot mend."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    problems: tuple[Problem, ...]


async def verify(wanted: Plan) -> list[Problem]:
    """What keeps a role from working on this Kafka; raises `KafkaUnreachable`."""
    async with _admin(wanted.bootstrap) as admin:
        problems = compare(wanted, await _read(admin, wanted))
    if without := await _transactions_missing(wanted):
        problems.append(without)
    return problems


async def read(wanted: Plan) -> dict[str, TopicState]:
    """The wanted topics that Kafka has; raises `KafkaUnreachable`."""
    async with _admin(wanted.bootstrap) as admin:
        return await _read(admin, wanted)


async def apply(wanted: Plan) -> Applied:
    """Create what is missing and mend settings; raises `KafkaUnreachable`."""
    async with _admin(wanted.bootstrap) as admin:
        found = await _read(admin, wanted)
        missing = [spec for spec in wanted.specs if spec.name not in found]
        differing = [s for s in wanted.specs if s.name in found and wrong_config(s, found[s.name])]
        refused = await _create(admin, wanted, missing)
        refused += await _change(admin, differing, found)
        if not refused:
            found = await _visible(admin, wanted)
    problems = refused or compare(wanted, found)
    if without := await _transactions_missing(wanted):
        problems.append(without)
    return Applied(
        created=tuple(spec.name for spec in missing) if not refused else (),
        changed=tuple(spec.name for spec in differing) if not refused else (),
        problems=tuple(problems),
    )


async def remove(bootstrap: str, prefix: str) -> list[str]:
    """Delete every topic of the deployment `prefix`; their names. Raises `KafkaUnreachable`."""
    async with _admin(bootstrap) as admin:
        names = [name for name in await admin.list_topics() if name.startswith(f"{prefix}.")]
        if names:
            await admin.delete_topics(names)
    return sorted(names)


async def _create(
    admin: AIOKafkaAdminClient, wanted: Plan, missing: Sequence[TopicSpec]
) -> list[Problem]:
    if not missing:
        return []
    answer = await admin.create_topics(
        [
            NewTopic(spec.name, wanted.partitions, wanted.replication, topic_configs=spec.config)
            for spec in missing
        ]
    )
    return [
        _refused(name, code, text)
        for name, code, text in answer.topic_errors
        if code not in {0, _ALREADY_EXISTS}
    ]


async def _change(
    admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec], found: Mapping[str, TopicState]
) -> list[Problem]:
    """AlterConfigs replaces all settings of a topic, so those of the operator go along."""
    if not specs:
        return []
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, s.name, {**found[s.name].overrides, **s.config})
        for s in specs
    ]
    (answer,) = await admin.alter_configs(resources)
    return [_refused(name, code, text) for code, text, _, name in answer.resources if code]


def _refused(topic: str, code: int, text: str | None) -> Problem:
    return Problem(
        topic=topic,
        what=f"Kafka refused topic {topic}",
        mend=text or for_code(code).__name__,
    )


async def _visible(admin: AIOKafkaAdminClient, wanted: Plan) -> dict[str, TopicState]:
    """The topics once the broker shows what was applied, which takes it a moment."""
    deadline = time.monotonic() + VISIBLE_SECONDS
    while True:
        found = await _read(admin, wanted)
        settled = all(s.name in found and not wrong_config(s, found[s.name]) for s in wanted.specs)
        if settled or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.05)


async def _read(admin: AIOKafkaAdminClient, wanted: Plan) -> dict[str, TopicState]:
    names = {spec.name for spec in wanted.specs}
    described = [one for one in await admin.describe_topics() if one["topic"] in names]
    if not described:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, one["topic"]) for one in described]
    (answer,) = await admin.describe_configs(resources)
    entries = {
        one["resource_name"]: one["config_entries"] for one in answer.to_object()["resources"]
    }
    return {one["topic"]: _state(one, entries[one["topic"]]) for one in described}


def _state(described: Mapping[str, object], entries: Sequence[Mapping[str, object]]) -> TopicState:
    partitions = described["partitions"]
    assert isinstance(partitions, list)
    values = {str(e["config_names"]): str(e["config_value"]) for e in entries}
    own = {str(e["config_names"]) for e in entries if e["config_source"] == _TOPIC_OVERRIDE}
    return TopicState(
        name=str(described["topic"]),
        partitions=len(partitions),
        replicas=min((len(one["replicas"]) for one in partitions), default=0),
        config=values,
        overrides={name: values[name] for name in own},
    )


@contextlib.asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap, request_timeout_ms=int(REQUEST_SECONDS * 1000)
    )
    try:
        async with asyncio.timeout(3 * REQUEST_SECONDS):
            await admin.start()
            yield admin
    except (KafkaError, TimeoutError) as error:
        raise KafkaUnreachable(bootstrap, repr(error)) from None
    finally:
        await admin.close()


async def _transactions_missing(wanted: Plan) -> Problem | None:
    """Whether Kafka gives out a transactional id, as the decider needs it."""
    producer = AIOKafkaProducer(
        bootstrap_servers=wanted.bootstrap, transactional_id=f"{wanted.prefix}.probe"
    )
    try:
        await asyncio.wait_for(producer.start(), REQUEST_SECONDS)
    except (KafkaError, TimeoutError) as error:
        return Problem(
            topic=None,
            what=f"Kafka at {wanted.bootstrap} does not offer transactions ({error!r})",
            mend="check transaction.state.log.replication.factor against the number of brokers,"
            " or use Apache Kafka 3.0 or later",
        )
    finally:
        await producer.stop()
    return None
