"""The servers that a role needs: those named in the settings, else real ones of our own."""

import fcntl
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Final
from urllib.parse import urlsplit

from chatfold.settings import Settings
from chatfold.stack import probes
from chatfold.stack.errors import StackError, no_access
from chatfold.stack.kafka import Kafka
from chatfold.stack.postgres import Postgres
from chatfold.stack.server import OnProgress, Server, ServerStatus, silent
from chatfold.stack.valkey import Valkey

_DEFAULT_PORTS: Final = {"kafka": "9092", "postgres": "5432", "valkey": "6379"}


class Stack:
    """Kafka, PostgreSQL and Valkey of one home; every method may block for seconds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home.resolve()
        self.kafka = Kafka(
            self.home,
            settings.kafka_port,
            controller_port=settings.kafka_controller_port,
            cache=settings.cache,
            options=settings.kafka_opts,
        )
        self.postgres = Postgres(self.home, settings.postgres_port)
        self.valkey = Valkey(self.home, settings.redis_port)

    @property
    def external(self) -> dict[str, str]:
        """Addresses of the servers that the settings name, which are never started or stopped."""
        named = {
            "kafka": self.settings.kafka_bootstrap,
            "postgres": self.settings.database_url,
            "valkey": self.settings.redis_url,
        }
        return {name: address for name, address in named.items() if address}

    @property
    def own(self) -> list[Server]:
        """The servers that we start and stop."""
        servers: list[Server] = [self.kafka, self.postgres, self.valkey]
        return [server for server in servers if server.name not in self.external]

    def up(self, on_progress: OnProgress = silent) -> list[ServerStatus]:
        """Start what does not run; returns when all answer."""
        self._each(lambda server: server.start(on_progress))
        return self.status()

    def down(self, *, erase: bool = False) -> None:
        """Stop what we started; the data stays unless it shall be erased."""
        self._each(lambda server: _stop(server, erase=erase))

    def status(self) -> list[ServerStatus]:
        """The state of every server, of those named in the settings too."""
        return [
            _external_status(server.name, self.external[server.name])
            if server.name in self.external
            else server.status()
            for server in (self.kafka, self.postgres, self.valkey)
        ]

    def environment(self) -> dict[str, str]:
        """The variables by which any program finds these servers."""
        return {
            "CHATFOLD_KAFKA_BOOTSTRAP": self.settings.bootstrap,
            "DATABASE_URL": self.settings.database,
            "REDIS_URL": self.settings.views,
        }

    def _each(self, act: Callable[[Server], None]) -> None:
        """Do it to all our servers at once, alone among the processes that use this home."""
        with self._lock() as lock, ThreadPoolExecutor() as pool:
            fcntl.flock(lock, fcntl.LOCK_EX)
            acts = [pool.submit(act, server) for server in self.own]
        failures = [failure for done in acts if (failure := done.exception())]
        if failures and all(isinstance(failure, StackError) for failure in failures):
            raise StackError("\n".join(map(str, failures)))
        for failure in failures:
            raise failure

    def _lock(self) -> IO[bytes]:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            return (self.home / "stack.lock").open("ab")
        except OSError as reason:
            raise no_access("The stack", self.home, reason) from reason


def _stop(server: Server, *, erase: bool) -> None:
    server.stop()
    if erase and server.folder.exists():
        shutil.rmtree(server.folder)


def _external_status(name: str, address: str) -> ServerStatus:
    """The address without its password, and whether something listens there."""
    url = urlsplit(address if ":/" in address or address[:5] == "file:" else f"//{address}")
    if url.scheme == "file":
        return ServerStatus(name=name, address=address, external=True, healthy=True)
    first = url.netloc.rpartition("@")[2].partition(",")[0]
    host, _, port = first.rpartition(":") if ":" in first else (first, "", _DEFAULT_PORTS[name])
    healthy = probes.accepts(host.strip("[]"), int(port))
    return ServerStatus(name=name, address=f"{host}:{port}", external=True, healthy=healthy)
