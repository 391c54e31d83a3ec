"""What roles that follow the log have in common: where it is, and an end that explains itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections.consumer import Source
from projections.sink import ProjectionRefused
from schemas.topics import Groups


def source(settings: Settings, topic: str, projection: str, instance: str) -> Source:
    """`topic` as `projection` reads it."""
    group = Groups(settings.topic_prefix).projection(projection)
    return Source(bootstrap=settings.bootstrap, topic=topic, group=group, instance=instance)


@contextmanager
def refusing() -> Iterator[None]:
    """A projection that refuses to go on is a `Refusal`, which ends the role with its sentence."""
    try:
        yield
    except* ProjectionRefused as refused:
        raise Refusal(str(refused.exceptions[0])) from None
