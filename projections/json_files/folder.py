"""The folder as all of its users see it: what is where, and how it is read, replaced and locked."""

import fcntl
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from msgspec.structs import asdict

from projections.active_chat import ActiveChat
from projections.build import FIRST, Build
from projections.sink import SinkUnavailable
from projections.view_store import VERSION, Chat, Kept, Waiting
from schemas import codec
from schemas.value import Value

T = TypeVar("T")

_CHATS: Final = "chats"


class ChatFile(Value, frozen=True, kw_only=True):
    """What a chat's file holds."""

    kept: Kept
    view: ActiveChat | None


class Positions(Value, frozen=True, kw_only=True):
    """How far a build is."""

    by_partition: dict[str, int]


class ParkedFile(Value, frozen=True, kw_only=True):
    """What waits, by partition, in the order of the log."""

    by_partition: dict[str, list[Waiting]]


class Counts(Value, frozen=True, kw_only=True):
    """What was counted."""

    operations: int = 0
    hits: int = 0
    misses: int = 0
    errors: int = 0


class _Live(Value, frozen=True, kw_only=True):
    name: str


class _Records(Value, frozen=True, kw_only=True):
    by_name: dict[str, Build]


def folder(url: str, prefix: str) -> Path:
    """Where the views of a prefix are; `file:PATH` and `file:///PATH` both name a folder."""
    return Path(unquote(urlsplit(url).path)) / prefix / f"v{VERSION}"


class Folder:
    """All builds of the views, and how long a view lives."""

    def __init__(self, root: Path, lifetime: timedelta) -> None:
        self.root = root
        self.lifetime = lifetime
        self.errors = 0

    def live(self) -> str:
        """The name of the build that readers see."""
        found = read_as(_Live, self.root / "live.json")
        return found.name if found else FIRST

    def promote(self, name: str) -> None:
        """Let readers see this one from now on."""
        replace(self.root / "live.json", _Live(name=name))

    def records(self) -> dict[str, Build]:
        """The builds, by name, as they were recorded."""
        found = read_as(_Records, self.root / "builds.json")
        return found.by_name if found else {}

    def record(self, by_name: dict[str, Build]) -> None:
        """Replace them all."""
        replace(self.root / "builds.json", _Records(by_name=by_name))

    def home(self, build: str) -> Path:
        """Where a build is."""
        return self.root / "builds" / build

    def path(self, build: str, chat: Chat) -> Path:
        """The file of a chat; never a path out of the folder."""
        tenant, chat_id = (Path(part).name for part in chat)
        return self.home(build) / _CHATS / tenant / f"{chat_id}.json"

    def read(self, build: str, chat: Chat) -> ChatFile | None:
        """What is known of a chat."""
        return read_as(ChatFile, self.path(build, chat))

    def files(self, build: str, tenant: str = "*") -> Iterator[Path]:
        """The files of all chats."""
        return (self.home(build) / _CHATS).glob(f"{tenant}/*.json")

    def positions(self, build: str) -> dict[str, int]:
        """How far a build is, by topic and partition."""
        found = read_as(Positions, self.home(build) / "positions.json")
        return found.by_partition if found else {}

    def parked(self, build: str) -> dict[str, list[Waiting]]:
        """What waits there, by topic and partition."""
        found = read_as(ParkedFile, self.home(build) / "parked.json")
        return found.by_partition if found else {}

    def counts(self) -> Counts:
        """What was counted so far."""
        return read_as(Counts, self.root / "counts.json") or Counts()

    def count(self, **more: int) -> None:
        """Count for all processes together."""
        if any(more.values()):
            with self.locked("counts"):
                sums = Counter(asdict(self.counts())) + Counter(more)
                replace(self.root / "counts.json", Counts(**sums))

    @contextmanager
    def locked(self, name: str, *, waits: bool = True) -> Iterator[bool]:
        """Whether nobody else has the lock, while the block runs; it ends with the process."""
        path = self.root / "locks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    @contextmanager
    def telling(self, kind: type[Exception] = SinkUnavailable) -> Iterator[None]:
        """Errors as those that our callers expect, and counted."""
        try:
            yield
        except (OSError, codec.Undecodable) as error:
            self.errors += 1
            raise kind(f"{type(error).__name__}: {error}") from error

    def at_rest(self, read: Callable[[str], T]) -> T:
        """What `read` finds in the live build, if it is that before and after."""
        while True:
            name = self.live()
            found = read(name)
            if self.live() == name:
                return found


def read_as(kind: type[T], path: Path) -> T | None:
    """What the file holds, None if there is none."""
    try:
        return codec.decode(kind, path.read_bytes())
    except FileNotFoundError:
        return None


def replace(path: Path, value: object, modified: float | None = None) -> None:
    """Never half a file: written beside it, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_bytes(codec.dumps(value))
    if modified is not None:
        os.utime(beside, (modified, modified))
    beside.replace(path)
