"""The servers that a role needs: those named in the settings, else real ones of our own."""

import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

from chatfold.settings import Settings
from chatfold.stack import probes
from chatfold.stack.kafka import Kafka
from chatfold.stack.postgres import Postgres
from chatfold.stack.server import OnProgress, Server, ServerStatus, silent
from chatfold.stack.valkey import Valkey


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
        with self._alone(), ThreadPoolExecutor() as pool:
            starts = [pool.submit(server.start, on_progress) for server in self.own]
        for start in starts:
            start.result()
        return self.status()

    def down(self) -> None:
        """Stop what we started; the data stays."""
        with self._alone(), ThreadPoolExecutor() as pool:
            stops = [pool.submit(server.stop) for server in self.own]
        for stop in stops:
            stop.result()

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

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "stack.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _external_status(name: str, address: str) -> ServerStatus:
    url = urlsplit(address if "://" in address else f"//{address.partition(',')[0]}")
    default = {"kafka": 9092, "postgres": 5432, "valkey": 6379}[name]
    return ServerStatus(
        name=name,
        version=None,
        address=f"{url.hostname}:{url.port or default}",
        external=True,
        healthy=probes.accepts(url.hostname or "", url.port or default),
        pid=None,
        data=None,
    )
