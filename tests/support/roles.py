"""Roles as processes, as an operator starts them."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from chatfold.settings import Settings
from chatfold.stack import probes
from tests.support import servers

DEADLINE = 60.0

_FIRST_PORT, _PORT_COUNT = 10_000, 10_000  # below those of servers
_PORTS = (  # processes that test at the same time begin in different places
    _FIRST_PORT + number % _PORT_COUNT for number in itertools.count(997 * os.getpid())
)


class Process:
    """A running role; its log is kept for when a test fails."""

    def __init__(self, role: str, settings: Settings, log: Path, **env: str) -> None:
        self.role = role
        self.port = free_port()
        self.log = log
        values = servers.environment(settings) | {"CHATFOLD_METRICS_PORT": str(self.port)} | env
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chatfold", "run", role],
                env=os.environ | values,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_ready(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.port}/readyz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def wait_ready(self) -> "Process":
        wait_for(lambda: self.is_ready or self.ended, f"{self.role} to be ready")
        assert not self.ended, self.log.read_text()[-4000:]
        return self

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def wait_ended(self, seconds: float = DEADLINE) -> int:
        return self.process.wait(seconds)

    def kill(self, number: int = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            self.process.wait(DEADLINE)


def wait_for(met: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def free_port() -> int:
    """A port on which nothing listens, and which no outgoing connection is given meanwhile."""
    return next(port for port in _PORTS if probes.is_free(port))


@contextlib.contextmanager
def running(*processes: Process) -> Iterator[None]:
    try:
        yield
    finally:
        for one in processes:
            one.kill(signal.SIGCONT)
            one.kill()
