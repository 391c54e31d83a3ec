"""Real servers for tests: one shared stack for a home, or a throw-away one to be broken."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from chatfold.settings import Settings, environment
from chatfold.stack import Stack, probes

__all__ = ["environment", "free_ports", "isolated", "shared", "throw_away"]

ROOT = Path(__file__).parents[2]
_PORTS = ("kafka_port", "kafka_controller_port", "postgres_port", "redis_port")
_FIRST_PORT, _LAST_PORT = 20_000, 30_000  # below what systems hand to outgoing connections


@contextlib.contextmanager
def shared(purpose: str = "test", **more: str) -> Iterator[Settings]:
    """A running stack of a `purpose`; the last user stops it, unless it shall be kept.

    It is at `$CHATFOLD_TEST_HOME` where that is set; `more` are settings of its servers.
    """
    home = Path(os.environ.get("CHATFOLD_TEST_HOME", ROOT / ".chatfold" / purpose))
    home.mkdir(parents=True, exist_ok=True)
    with (home / "users.lock").open("w") as users:
        stack = _join(home, users, more)
        try:
            yield stack.settings
        finally:
            if os.environ.get("CHATFOLD_KEEP_STACK") != "1":
                _leave(stack, users)


@contextlib.contextmanager
def throw_away() -> Iterator[Stack]:
    """A running stack of one's own, to stop, freeze and kill; its data is removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="chatfold-"))
    stack = Stack(_settings(home, free_ports(home)))
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
        shutil.rmtree(home, ignore_errors=True)


def isolated(servers: Settings, name: str, home: Path) -> Settings:
    """The same servers with topics, schema, keys and local state that nothing else uses."""
    seed = f"{name} {os.getpid()} {time.time_ns()}"
    unique = "t" + hashlib.sha256(seed.encode()).hexdigest()[:10]
    names = {"topic_prefix": unique, "database_schema": unique, "view_prefix": unique}
    return servers.model_copy(update=names | {"home": home})


def free_ports(home: Path) -> dict[str, int | str]:
    """A free port for each setting; two homes look in different places."""
    digest = hashlib.sha256(str(home).encode()).digest()
    first = _FIRST_PORT + int.from_bytes(digest[:4]) % (_LAST_PORT - _FIRST_PORT - 1000)
    free = (port for port in range(first, _LAST_PORT) if probes.is_free(port))
    return {name: next(free) for name in _PORTS}


def _join(home: Path, users: IO[str], more: Mapping[str, str]) -> Stack:
    """Start the stack if it is not running, and count as its user until the lock is closed."""
    with (home / "join.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        stack = Stack(_settings(home, _kept_ports(home) | more))
        if not any(status.pid for status in stack.status()):
            stack.down(erase=True)  # no topics and tables of earlier runs
            stack = _fresh(home, more)
        stack.up()
        fcntl.flock(users, fcntl.LOCK_SH)
        return stack


def _leave(stack: Stack, users: IO[str]) -> None:
    with (stack.home / "join.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        with contextlib.suppress(BlockingIOError):  # another session still uses it
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stack.down()


def _fresh(home: Path, more: Mapping[str, str]) -> Stack:
    """A stack on ports that are free now."""
    ports = free_ports(home)
    (home / "ports").write_text("\n".join(str(ports[name]) for name in _PORTS))
    return Stack(_settings(home, ports | more))


def _kept_ports(home: Path) -> dict[str, int | str]:
    try:
        kept = (home / "ports").read_text().split()
    except FileNotFoundError:
        return free_ports(home)
    return {name: int(port) for name, port in zip(_PORTS, kept, strict=True)}


def _settings(home: Path, ports: dict[str, int | str]) -> Settings:
    """Settings that no variable can point to somebody's real servers."""
    own = {"kafka_bootstrap": None, "database_url": None, "redis_url": None}
    return Settings(_env_file=None).model_copy(update={"home": home} | ports | own)
