"""A folder of one's own among processes that share a home."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MOST: Final = 256


@contextmanager
def slot(parent: Path) -> Iterator[Path]:
    """The first numbered folder in `parent` that no other process uses, ours while the block runs.

    A process that starts again finds the folder it had, unless another took it meanwhile.
    """
    for number in range(MOST):
        folder = parent / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return
    raise OSError(f"{MOST} processes use {parent} already")
