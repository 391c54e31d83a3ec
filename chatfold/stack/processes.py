"""Child processes that outlive their parent, found again by a recorded pid."""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from chatfold.stack import inspection

_DETACH: Final = 'exec "$@" </dev/null >&2 & echo $!'
_TAIL_BYTES: Final = 2000
_POLL_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Account:
    """Who a server runs as."""

    uid: int
    gid: int


def unprivileged() -> Account | None:
    """An account without rights if we are root, for servers that refuse to run as root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


@dataclass(frozen=True, slots=True)
class Daemon:
    """One detached process of ours, known by a pid file and by a word of its command line."""

    pid_file: Path
    log: Path
    mark: Path

    def launch(self, command: Sequence[str], account: Account | None = None) -> None:
        """Start `command` as an orphan in a session of its own and record its pid."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            started = run(["/bin/sh", "-c", _DETACH, "sh", *command], account, stderr=log.fileno())
        self.pid_file.write_text(started.stdout)

    def pid(self) -> int | None:
        """The recorded pid, if that process lives and is really ours."""
        try:
            pid = int(self.pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return None
        from chatfold.stack import inspection  # noqa: PLC0415  # see there

        return pid if str(self.mark) in inspection.command_line(pid) else None

    def end(self, number: signal.Signals, timeout: float) -> bool:
        """Ask the process to end; returns whether it and its children did so in time."""
        family = self._family()
        family.parent.send(number)
        family.send(signal.SIGCONT)  # a frozen process handles no other signal
        return wait_until(family.is_gone, timeout)

    def strike(self, number: signal.Signals, timeout: float) -> None:
        """Send a signal to the process and its children; SIGKILL returns when all are gone."""
        family = self._family()
        family.send(number)
        if number is signal.SIGKILL:
            wait_until(family.is_gone, timeout)

    def log_tail(self) -> str:
        """The end of what it logged since its start."""
        return self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()

    def _family(self) -> "inspection.Family":
        from chatfold.stack import inspection  # noqa: PLC0415  # see there

        pid = self.pid()
        return inspection.family(pid) if pid else inspection.Family()


def run(
    command: Sequence[str],
    account: Account | None = None,
    *,
    stderr: int = subprocess.STDOUT,
    typed: str = "",
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it printed."""
    return subprocess.run(  # noqa: S603  # commands are ours, no shell reads the arguments
        command,
        input=typed,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=False,
        timeout=timeout,
        cwd="/",
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Whether `condition` came true within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def is_known(pid: int) -> bool:
    """Whether the system still lists the pid, be it of a process that ended and was not reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
