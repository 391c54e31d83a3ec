"""The stack: real servers that start, are reused, survive kill -9 and stop."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import asyncpg
import pytest
import redis.asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner, Result

from chatfold.cli.stack import app
from chatfold.settings import Settings
from chatfold.stack import Stack, StackError, configuration, server
from schemas import codec
from schemas.topics import MAX_MESSAGE_BYTES
from tests.support import servers as support


def _pids(stack: Stack) -> list[int | None]:
    return [status.pid for status in stack.status()]


def _cli(settings: Settings, *words: str) -> Result:
    return CliRunner().invoke(app, words, env=support.environment(settings))


def _up_elsewhere(stack: Stack) -> subprocess.Popen[bytes]:
    code = "from chatfold.cli.stack import app; app(['up', '--json'])"
    environment = os.environ | support.environment(stack.settings)
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=support.ROOT, env=environment, stdout=subprocess.PIPE
    )


@pytest.fixture
def stack(own_servers: Stack) -> Iterator[Stack]:
    """Our own servers, up again after each test."""
    own_servers.up()
    yield own_servers
    own_servers.kafka.kill(signal.SIGCONT)


async def test_the_servers_have_the_versions_that_the_stack_names(settings: Settings) -> None:
    database = await asyncpg.connect(settings.database)
    assert await database.fetchval("SHOW server_version") == configuration.POSTGRES_VERSION
    await database.close()
    views = redis.asyncio.from_url(settings.views)
    assert (await views.info())["valkey_version"] == configuration.VALKEY_VERSION
    await views.aclose()


async def test_postgres_is_durable_and_the_role_owns_its_database(settings: Settings) -> None:
    database = await asyncpg.connect(settings.database)
    for name, value in ("fsync", "on"), ("max_connections", "200"), ("timezone", "UTC"):
        assert await database.fetchval("SELECT current_setting($1)", name) == value
    await database.execute(f"CREATE SCHEMA {settings.database_schema}")
    await database.close()


async def test_the_broker_runs_with_the_settings_of_the_stack(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")])
    await admin.close()
    real = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    wanted = configuration.KAFKA_PROPERTIES
    assert {name: real[name] for name in wanted if name in real} == wanted


async def _create(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()


async def _append(bootstrap: str, topic: str, *values: bytes) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=topic, max_request_size=MAX_MESSAGE_BYTES
    )
    async with producer, producer.transaction():
        for value in values:
            await producer.send(topic, value, partition=0)


async def _read(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    consumer.assign([TopicPartition(topic, 0)])
    async with consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def test_a_transaction_carries_the_largest_message(settings: Settings) -> None:
    largest = b"x" * (MAX_MESSAGE_BYTES - 1024)
    await _create(settings.bootstrap, settings.topic_prefix)
    await _append(settings.bootstrap, settings.topic_prefix, largest)
    assert await _read(settings.bootstrap, settings.topic_prefix, 1) == [largest]


def test_a_session_that_ends_leaves_the_servers_to_the_others(servers: Settings) -> None:
    before = _pids(Stack(servers))
    with support.shared() as again:
        assert again == servers
    assert _pids(Stack(servers)) == before
    assert all(status.healthy for status in Stack(servers).status())


def test_a_second_up_returns_at_once_with_the_same_servers(stack: Stack) -> None:
    before, began = _pids(stack), time.monotonic()
    stack.up()
    assert time.monotonic() - began < 1
    assert _pids(stack) == before


def test_servers_outlive_the_process_that_started_them(stack: Stack) -> None:
    stack.valkey.stop()
    assert _up_elsewhere(stack).communicate()[0]
    assert stack.valkey.healthy


def test_two_ups_at_once_start_each_server_once(stack: Stack) -> None:
    stack.postgres.stop()
    stack.valkey.kill()
    first, second = _up_elsewhere(stack), _up_elsewhere(stack)
    answers = [codec.loads(one.communicate()[0]) for one in (first, second)]
    assert answers[0] == answers[1]
    assert [status["pid"] for status in answers[0]] == _pids(stack)


@pytest.mark.slow
async def test_what_kafka_acknowledged_survives_kill_9(stack: Stack) -> None:
    await _create(stack.settings.bootstrap, "kept")
    await _append(stack.settings.bootstrap, "kept", b"1", b"2")
    stack.kafka.kill()
    assert not stack.kafka.healthy
    stack.kafka.start()
    await _append(stack.settings.bootstrap, "kept", b"3")
    assert await _read(stack.settings.bootstrap, "kept", 3) == [b"1", b"2", b"3"]


async def test_what_postgres_committed_survives_kill_9(stack: Stack) -> None:
    database = await asyncpg.connect(stack.settings.database)
    await database.execute("CREATE TABLE kept AS SELECT 1 AS one")
    stack.postgres.kill()
    database.terminate()
    stack.postgres.start()
    database = await asyncpg.connect(stack.settings.database)
    assert await database.fetchval("SELECT one FROM kept") == 1
    await database.close()


@pytest.mark.slow
def test_a_frozen_server_is_silent_until_it_thaws(stack: Stack) -> None:
    stack.kafka.kill(signal.SIGSTOP)
    assert stack.kafka.status().state == "silent"
    stack.kafka.kill(signal.SIGCONT)
    stack.kafka.start()
    assert stack.kafka.status().state == "healthy"


def test_a_frozen_server_can_be_stopped(stack: Stack) -> None:
    stack.valkey.kill(signal.SIGSTOP)
    stack.valkey.stop()
    assert stack.valkey.status().state == "stopped"


def test_a_recorded_pid_that_is_not_ours_is_never_killed(stack: Stack) -> None:
    stack.valkey.stop()
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        stack.valkey.daemon.pid_file.write_text(str(stranger.pid))
        stack.valkey.kill()
        stack.valkey.stop()
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.slow
def test_a_taken_port_is_named_with_the_way_out(stack: Stack) -> None:
    stack.valkey.stop()
    with socket.create_server(("127.0.0.1", stack.valkey.port)):
        refused = _cli(stack.settings, "up")
    assert refused.exit_code == 2
    assert f"Port {stack.valkey.port} for Valkey is taken" in refused.stderr
    assert "CHATFOLD_REDIS_PORT" in refused.stderr


def test_a_server_that_dies_at_its_start_shows_the_end_of_its_log(stack: Stack) -> None:
    stack.postgres.stop()
    version = stack.postgres.data / "PG_VERSION"
    kept = version.read_text()
    version.write_text("9\n")
    try:
        with pytest.raises(StackError, match="database files are incompatible with server"):
            stack.postgres.start()
    finally:
        version.write_text(kept)


def test_a_full_disk_is_found_before_the_start(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.valkey.stop()
    monkeypatch.setattr(server, "_NEEDED_BYTES", 1 << 60)
    with pytest.raises(StackError, match="make room, or set CHATFOLD_HOME"):
        stack.up()


def test_a_server_named_in_the_settings_is_neither_started_nor_stopped(
    stack: Stack, servers: Settings
) -> None:
    named = {"kafka_bootstrap": servers.bootstrap, "database_url": servers.database}
    mixed = Stack(stack.settings.model_copy(update=named))
    before = _pids(Stack(servers))
    assert [status.external for status in mixed.up()] == [True, True, False]
    mixed.down()
    assert _pids(Stack(servers)) == before
    assert stack.kafka.healthy
    assert not stack.valkey.healthy


def test_the_command_line_tells_the_state_and_the_addresses(stack: Stack) -> None:
    told = codec.loads(_cli(stack.settings, "status", "--json").stdout.encode())
    assert [(one["name"], one["state"]) for one in told] == [
        ("kafka", "healthy"),
        ("postgres", "healthy"),
        ("valkey", "healthy"),
    ]
    exports = _cli(stack.settings, "env").stdout
    script = f'{exports}\necho "$DATABASE_URL"'
    said = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == stack.settings.database


def test_down_and_up_keep_the_data_and_erase_does_not(stack: Stack) -> None:
    cluster = stack.postgres.data / "PG_VERSION"
    assert _cli(stack.settings, "down").exit_code == 0
    assert _pids(stack) == [None, None, None]
    assert _cli(stack.settings, "status").exit_code == 1
    assert cluster.exists()
    assert _cli(stack.settings, "down", "--erase").exit_code == 0
    assert not cluster.exists()
