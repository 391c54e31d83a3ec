"""Topics are created once and checked, on a real Kafka."""

import asyncio

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from chatfold import topics
from chatfold.cli import topics as command
from chatfold.eventlog import KafkaUnreachable
from chatfold.settings import Settings
from chatfold.stack import configuration
from schemas import codec
from tests.support import servers as support


async def test_apply_creates_every_topic_and_the_second_time_changes_nothing(settings: Settings):
    wanted = topics.plan(settings)
    first = await topics.apply(wanted)
    assert first.created == tuple(spec.name for spec in wanted.specs)
    assert first.problems == ()
    second = await topics.apply(wanted)
    assert (second.created, second.changed, second.problems) == ((), (), ())
    assert await topics.verify(wanted) == []


async def test_another_partition_count_is_told_and_nothing_is_changed(settings: Settings):
    await topics.apply(topics.plan(settings))
    other = topics.plan(settings.model_copy(update={"partitions": 5}))
    done = await topics.apply(other)
    (sentence,) = topics.sentences(done.problems)
    assert "has 4 partitions, not 5" in sentence
    assert {state.partitions for state in (await topics.read(other)).values()} == {4}


async def test_apply_mends_settings_and_leaves_those_of_the_operator(settings: Settings):
    wanted = topics.plan(settings)
    await topics.apply(wanted)
    inbox = wanted.specs[0].name
    await _alter(settings, inbox, {"retention.ms": "1000", "segment.bytes": "1048576"})
    done = await topics.apply(wanted)
    state = (await topics.read(wanted))[inbox]
    assert (done.created, done.changed, done.problems) == ((), (inbox,), ())
    assert state.config["retention.ms"] == wanted.specs[0].config["retention.ms"]
    assert state.config["segment.bytes"] == "1048576"


async def test_verify_tells_of_topics_that_are_missing(settings: Settings):
    (sentence,) = topics.sentences(await topics.verify(topics.plan(settings)))
    assert "is missing, and 8 more like it: run `chatfold topics apply`" in sentence


async def test_an_address_where_nothing_listens_is_named_with_its_setting(settings: Settings):
    nowhere = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:9"})
    with pytest.raises(KafkaUnreachable, match=r"127\.0\.0\.1:9 .* CHATFOLD_KAFKA_BOOTSTRAP"):
        await topics.verify(topics.plan(nowhere))


@pytest.mark.slow
def test_a_kafka_without_transactions_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch):
    """One broker cannot hold three copies of the transaction log, so it gives out no ids."""
    needs_three = {"transaction.state.log.replication.factor": "3"}
    for name, value in needs_three.items():
        monkeypatch.setitem(configuration.KAFKA_PROPERTIES, name, value)
    with support.throw_away() as stack:
        wanted = topics.plan(stack.settings)
        done = asyncio.run(topics.apply(wanted))
    (problem,) = done.problems
    assert "does not offer transactions" in problem.what
    assert done.created


def test_the_command_applies_and_lists(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    for name, value in support.environment(settings).items():
        monkeypatch.setenv(name, value)
    run = CliRunner().invoke
    assert run(command.app, ["list"]).exit_code == 1
    applied = run(command.app, ["apply", "--json"])
    assert applied.exit_code == 0
    assert len(codec.loads(applied.stdout.encode())["created"]) == 9
    rows = codec.loads(run(command.app, ["list", "--json"]).stdout.encode())
    assert [row["problems"] for row in rows] == [[]] * 9
    assert "for ever" in run(command.app, ["list"]).stdout


def test_the_command_refuses_a_wrong_count_with_exit_code_2(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    asyncio.run(topics.apply(topics.plan(settings)))
    for name, value in support.environment(settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CHATFOLD_PARTITIONS", "5")
    refused = CliRunner().invoke(command.app, ["apply"])
    assert refused.exit_code == 2
    assert "CHATFOLD_PARTITIONS=4" in refused.stderr
    assert "Traceback" not in refused.stderr


async def _alter(settings: Settings, topic: str, config: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])
    await admin.close()
    async with asyncio.timeout(10):
        while (await topics.read(topics.plan(settings)))[topic].overrides != config:
            await asyncio.sleep(0.05)
