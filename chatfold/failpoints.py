"""Named points at which a fault test ends the process, as a power cut would."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

VARIABLE: Final = "CHATFOLD_FAILPOINT"

Reach = Callable[[str], None]


def reach(spec: str | None) -> Reach:
    """A function that ends the process the n-th time it is told a point of `spec`.

    `spec` is `name`, `name:n` or several of these with commas between, n from 1; nothing
    in it, and the function does nothing. Raises `ValueError` on anything else.
    """
    fatal = _parse(spec or "")
    if not fatal:
        return _pass_by
    reached = Counter[str]()

    def count(point: str) -> None:
        reached[point] += 1
        if reached[point] == fatal.get(point):
            os.kill(os.getpid(), signal.SIGKILL)

    return count


def from_environment(environment: Mapping[str, str] = os.environ) -> Reach:
    """What `CHATFOLD_FAILPOINT` asks for."""
    return reach(environment.get(VARIABLE))


def _pass_by(_point: str) -> None:
    """Reach no failpoint."""


def _parse(spec: str) -> dict[str, int]:
    fatal = {}
    for part in filter(None, spec.split(",")):
        name, colon, times = part.partition(":")
        if not name or (colon and not times.isdecimal()) or times == "0":
            raise ValueError(f"{VARIABLE}: {part!r} is not `name` or `name:n`")
        fatal[name] = int(times) if times else 1
    return fatal
