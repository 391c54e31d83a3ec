"""Kafka's jars: the files that kafka.lock.toml names, fetched once for all homes of a user."""

import fcntl
import hashlib
import shutil
import tempfile
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatfold.stack import errors

LOCK: Final = Path(__file__).with_name("kafka.lock.toml")
_FETCHES_AT_ONCE: Final = 8


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


def ensure(cache: Path) -> Path:
    """The folder with all jars; it appears whole or not at all."""
    target = folder(cache)
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _fetch(locked(), target)
    return target


def _fetch(jars: Iterable[Jar], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        repository, complete = Path(name, "repository"), Path(name, "jars")
        complete.mkdir()
        with ThreadPoolExecutor(_FETCHES_AT_ONCE) as pool:
            for fetched in pool.map(lambda jar: _download(jar, repository), jars):
                shutil.move(fetched, complete)
        complete.rename(target)


def _download(jar: Jar, repository: Path) -> Path:
    from jgo.maven import MavenContext  # noqa: PLC0415  # 0.2 s that only a first start needs

    context = MavenContext(repo_cache=repository, timeout=60)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    try:
        path = Path(artifact.resolve())
    except (OSError, RuntimeError) as reason:
        raise errors.download_failed(jar.file_name, reason) from reason
    if hashlib.sha256(path.read_bytes()).hexdigest() != jar.sha256:
        raise errors.wrong_checksum(jar.file_name)
    return path
