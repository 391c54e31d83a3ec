"""`python -m chatfold.stack.relock` writes kafka.lock.toml anew, after a change of version."""

from pathlib import Path
from typing import Final

from jgo.env import LockFile
from jgo.maven import Dependency, MavenContext

from chatfold.stack.configuration import KAFKA_VERSION
from chatfold.stack.jars import LOCK

_SLF4J_VERSION: Final = "1.7.36"  # the one that Kafka itself asks for
_ROOTS: Final = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.slf4j:slf4j-simple:{_SLF4J_VERSION}",  # logs to stderr, needs no configuration file
)


def resolved(repository: Path | None = None) -> list[Dependency]:
    """Kafka and all that it needs to run, by jgo's reading of the artefacts' own declarations."""
    context = MavenContext(repo_cache=repository)
    roots = [context.create_dependency(root) for root in _ROOTS]
    found, needed = context.resolver.resolve(roots)
    return [*found, *(one for one in needed if one.scope in {"compile", "runtime"})]


if __name__ == "__main__":
    LockFile.from_resolved_dependencies(resolved(), environment_name="kafka").save(LOCK)
