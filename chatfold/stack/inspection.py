"""Running processes as the system lists them; imports `psutil`, which only the extra brings."""

import contextlib
import signal
import time
from dataclasses import dataclass
from typing import Final

import psutil  # type: ignore[import-untyped]  # ships no types

_EXEC_SECONDS: Final = 0.5  # a process between fork and exec has no words yet


def command_line(pid: int) -> list[str]:
    """The words that started a process; empty if it has ended or is not ours to see."""
    try:
        process = psutil.Process(pid)
        deadline = time.monotonic() + _EXEC_SECONDS
        while not (words := process.cmdline()) and not _is_gone(process):
            if time.monotonic() > deadline:
                break
            time.sleep(_EXEC_SECONDS / 100)
        return list(words)
    except psutil.Error:
        return []


@dataclass(frozen=True, slots=True)
class Family:
    """A process and its children at one moment, the parent first."""

    members: tuple[psutil.Process, ...] = ()

    @property
    def parent(self) -> "Family":
        """The parent without the children."""
        return Family(self.members[:1])

    def send(self, number: signal.Signals) -> None:
        """Send a signal to each that still lives."""
        for process in self.members:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def is_gone(self) -> bool:
        """Whether all have ended, be it that nobody has reaped them yet."""
        return all(_is_gone(process) for process in self.members)


def family(pid: int) -> Family:
    """The process with all that it started."""
    try:
        process = psutil.Process(pid)
        return Family((process, *process.children(recursive=True)))
    except psutil.NoSuchProcess:
        return Family()


def _is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
