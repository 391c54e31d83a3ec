"""Kafka's jars: the files that kafka.lock.toml names, fetched once for all homes of a user."""

import fcntl
import hashlib
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from chatfold.stack import errors

LOCK: Final = Path(__file__).with_name("kafka.lock.toml")
_FETCHES_AT_ONCE: Final = 8
_TIMEOUT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked artefact of Maven Central."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of the file."""
        return f"{self.artifact}-{self.version}.jar"


Download = Callable[[Jar, Path], Path]


def locked() -> list[Jar]:
    """Every jar of the lock; the lock has the format of `jgo`, which also wrote it."""
    entries = tomllib.loads(LOCK.read_text())["dependencies"]
    return [
        Jar(entry["groupId"], entry["artifactId"], entry["version"], entry["sha256"])
        for entry in entries
    ]


def folder(cache: Path) -> Path:
    """Where the jars of this very lock are kept."""
    digest = hashlib.sha256("".join(jar.sha256 for jar in locked()).encode()).hexdigest()
    return cache / f"kafka-{digest[:12]}"


def ensure(cache: Path, download: Download | None = None) -> Path:
    """The folder with all jars; it appears whole or not at all."""
    target = folder(cache)
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _fetch(locked(), target, download or _from_central)
    return target


def _fetch(jars: Iterable[Jar], target: Path, download: Download) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        repository, complete = Path(name, "repository"), Path(name, "jars")
        complete.mkdir()
        with ThreadPoolExecutor(_FETCHES_AT_ONCE) as pool:
            checked = partial(_checked, repository=repository, download=download)
            for path in pool.map(checked, jars):
                shutil.move(path, complete)
        complete.rename(target)


def _checked(jar: Jar, *, repository: Path, download: Download) -> Path:
    path = download(jar, repository)
    if hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
        raise errors.wrong_checksum(jar.file_name)
    return path


def _from_central(jar: Jar, repository: Path) -> Path:
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415  # an extra, and 0.2 s to import
    except ModuleNotFoundError:
        raise errors.not_installed("Kafka", "CHATFOLD_KAFKA_BOOTSTRAP") from None
    context = MavenContext(repo_cache=repository, timeout=_TIMEOUT_SECONDS)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    try:
        return Path(artifact.resolve())
    except (OSError, RuntimeError) as reason:  # requests' errors are OSErrors
        raise errors.download_failed(jar.file_name, reason) from reason
