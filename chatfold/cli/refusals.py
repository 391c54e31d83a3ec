"""What a person can mend, said in one sentence with exit code 2."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import typer
from rich.console import Console

from chatfold.eventlog import AppendFailed, KafkaUnreachable
from chatfold.settings import SettingsError

REFUSED: Final = 2


def refuse(*sentences: object) -> NoReturn:
    """End the command with these sentences."""
    for sentence in sentences:
        Console(stderr=True, soft_wrap=True).print(f"chatfold: {sentence}", markup=False)
    raise typer.Exit(REFUSED)


@contextmanager
def explained(*kinds: type[Exception]) -> Iterator[None]:
    """Refuse when the settings, Kafka or one of `kinds` stand in the way."""
    expected: tuple[type[Exception], ...] = (SettingsError, KafkaUnreachable, AppendFailed, *kinds)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # we say it ourselves, once
    try:
        yield
    except expected as error:
        refuse(error)
