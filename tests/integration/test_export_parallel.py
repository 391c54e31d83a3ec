"""An export by several processes, whatever ends one of them or all; and rebuilds likewise."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from chatfold.archive import storage
from chatfold.export.alone import alone
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from schemas import codec
from tests.integration.test_export import exported_rows, filled, log_rows
from tests.support import commands_run, facts, projecting, servers


@contextlib.contextmanager
def begun(settings: Settings, *words: str, **env: str) -> Iterator[subprocess.Popen]:
    """A command with a process group of its own, as a terminal gives it."""
    command = subprocess.Popen(
        [sys.executable, "-m", "chatfold", *words],
        env=os.environ | servers.environment(settings) | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield command
    finally:
        command.kill()
        command.communicate()


def child_of(command: subprocess.Popen) -> int:
    """The process that it has begun, by now a program of its own; waits for it."""
    children = Path(f"/proc/{command.pid}/task/{command.pid}/children")
    while command.poll() is None:
        for pid in children.read_text().split():
            with contextlib.suppress(FileNotFoundError):
                if b".process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return int(pid)
    raise AssertionError(command.communicate())


def is_there(pid: int) -> bool:
    """Whether it runs; what has ended and was not fetched yet by who adopted it has no command."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("point", ["announced", "file-written", "file-written:2"])
async def test_a_killed_process_loses_and_doubles_nothing(
    settings: Settings, tmp_path: Path, point: str
) -> None:
    topic = await filled(settings)
    for killed, code in ((f"child-export-{point}", 2), (f"export-{point}", -9)):
        words = ("export", "events", "--to", str(tmp_path / killed), "--parallel", "2")
        run = partial(asyncio.to_thread, commands_run.run, settings, *words)
        done = await run(CHATFOLD_FAILPOINT=killed)
        told = "chatfold: a process of the export ended with -9: signal 9\n" if code == 2 else ""
        assert (done.returncode, done.stderr) == (code, told)
        done = await run()
        assert (done.returncode, done.stderr) == (0, "")
        assert exported_rows(tmp_path / killed) == await log_rows(settings, topic)


async def test_what_a_killed_export_has_left_holds_the_place_until_it_has_ended(
    settings: Settings, tmp_path: Path
) -> None:
    topic = await filled(settings)
    words = ("export", "events", "--to", str(tmp_path), "--parallel", "2")
    place = storage.opened(str(tmp_path), Path(), named_by="--to")
    with begun(settings, *words) as command:
        orphan = await asyncio.to_thread(child_of, command)
        os.kill(orphan, signal.SIGSTOP)
        command.kill()
        command.wait()
    try:
        with pytest.raises(Refusal, match=r"Another export of events to .* is under way"):
            async with alone(place, "events", patience=0.2):
                pass
    finally:
        os.kill(orphan, signal.SIGCONT)
    done = await asyncio.to_thread(commands_run.run, settings, *words)
    assert done.returncode == 0, done.stderr
    assert not is_there(orphan)
    assert exported_rows(tmp_path) == await log_rows(settings, topic)


async def test_ctrl_c_stops_all_processes_after_what_is_in_flight(
    settings: Settings, tmp_path: Path
) -> None:
    topic = await filled(settings)
    words = ("export", "events", "--to", str(tmp_path), "--parallel", "2")
    with begun(settings, *words) as command:
        child = await asyncio.to_thread(child_of, command)
        os.killpg(command.pid, signal.SIGINT)
        out, err = await asyncio.to_thread(command.communicate)
    assert (command.returncode, err) == (1, b"")
    assert b"stopped, run it again to go on" in out
    assert not is_there(child)
    done = await asyncio.to_thread(commands_run.run, settings, *words)
    assert done.returncode == 0, done.stderr
    assert exported_rows(tmp_path) == await log_rows(settings, topic)


async def test_ctrl_c_stops_all_processes_of_a_rebuild(settings: Settings) -> None:
    """To their ends they would take 40 s, for which they are not waited."""
    await projecting.prepare(settings)
    await projecting.append(settings, facts.log(141, chats=20, facts=8000))
    words = ("projections", "rebuild", "tables", "--parallel", "2", "--throttle", "200", "--json")
    with begun(settings, *words) as command:
        child = await asyncio.to_thread(child_of, command)
        os.killpg(command.pid, signal.SIGINT)
        out, err = await asyncio.to_thread(command.communicate)
    assert (command.returncode, err) == (1, b"")
    assert codec.loads(out.splitlines()[-1])["state"] == "filling"
    assert not is_there(child)


async def test_the_progress_of_all_processes_is_told_as_json(
    settings: Settings, tmp_path: Path
) -> None:
    await filled(settings)
    words = ("export", "events", "--to", str(tmp_path), "--parallel", "4", "--json")
    done = await asyncio.to_thread(commands_run.run, settings, *words)
    assert done.returncode == 0, done.stderr
    *progress, last = [codec.loads(line.encode()) for line in done.stdout.splitlines()]
    steps = [one["done"] for one in progress]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0, progress[-1]["total"])
    assert len(set(steps)) == 1 + settings.partitions
    assert (last[0]["what"], last[0]["is_stopped"]) == ("events", False)


async def test_what_a_process_is_refused_is_told_once(settings: Settings, tmp_path: Path) -> None:
    await filled(settings)
    words = ("export", "events", "--to", str(tmp_path), "--parallel", "2")
    with begun(settings, *words) as command:
        child = await asyncio.to_thread(child_of, command)
        state = tmp_path / "_export" / "events.json"
        assert state.exists()
        os.kill(child, signal.SIGSTOP)
        state.write_bytes(state.read_bytes().replace(b'"version":2', b'"version":3'))
        os.kill(child, signal.SIGCONT)
        _, err = await asyncio.to_thread(command.communicate)
    assert command.returncode == 2
    assert err.decode().count("by a newer Chatfold") == 1
    assert "a process of the export ended with 1" in err.decode()
