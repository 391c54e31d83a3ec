"""One export at a time writes to one place: what a killed one has left on this machine ends first.

The lock is that of an open file, which processes inherit: it is free once all of them have ended.
"""

import asyncio
import fcntl
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from chatfold.archive.storage import Storage
from chatfold.refusal import Refusal

PATIENCE: Final = 30.0
_LOOK_SECONDS: Final = 0.05


@asynccontextmanager
async def alone(storage: Storage, what: str, patience: float = PATIENCE) -> AsyncIterator[int]:
    """While nobody else exports `what` to there; the file descriptor of the lock.

    Raises `Refusal` if somebody else still does after `patience` seconds.
    """
    lock = os.open(_file(storage, what), os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        await _take(lock, f"{what} to {storage.where}", patience)
        yield lock
    finally:
        os.close(lock)


async def _take(lock: int, told: str, patience: float) -> None:
    deadline = asyncio.get_running_loop().time() + patience
    while not _is_taken(lock):
        if asyncio.get_running_loop().time() >= deadline:
            raise Refusal(f"Another export of {told} is under way: let it end, or end it.")
        await asyncio.sleep(_LOOK_SECONDS)


def _is_taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _file(storage: Storage, what: str) -> Path:
    """In the folder itself, or for a bucket in this machine's for what is only for a while."""
    if storage.folder is not None:
        file = storage.folder / "_export" / f"{what}.lock"
        file.parent.mkdir(parents=True, exist_ok=True)
        return file
    place = sha256(f"{os.getuid()} {what} {storage.where}".encode()).hexdigest()[:32]
    return Path(tempfile.gettempdir(), f"chatfold-export-{place}.lock")
