"""Running processes as the system lists them; imports `psutil`, which only the extra brings."""

import contextlib
import signal
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]  # ships no types


def command_line(pid: int) -> list[str]:
    """The words that started a process; empty if it has ended or is not ours to see."""
    try:
        return list(psutil.Process(pid).cmdline())
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
