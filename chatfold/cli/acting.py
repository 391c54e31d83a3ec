"""What commands that act have in common: a desk, who asks, and how failures are told."""

import getpass
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from typing import Final, NoReturn

import typer
from rich.console import Console

from chatfold import clock, reading, settings
from chatfold.eventlog import AppendFailed, EventLog
from chatfold.operations import Asked, Asker, BadCursor, Desk, Lists, NotRetryable, Unknown, tables
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from schemas.topics import Topics

SOURCE: Final = "/chatfold/cli"
UNKNOWN: Final = 1


def lists(chosen: Settings) -> Lists:
    """What the tables tell."""
    return Lists(tables.of_settings(chosen))


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A desk for as long as a command runs; raises `Refusal` if something it needs is away."""
    chosen = settings.load()
    topic = Topics(chosen.topic_prefix).inbox
    log = EventLog(chosen.bootstrap, max_pending_bytes=chosen.max_pending_bytes)
    await log.start()
    try:
        await reading.refuse_missing(chosen.bootstrap, topic)
        with explained_appends():
            yield Desk(
                lists=lists(chosen),
                log=log,
                topic=topic,
                append_seconds=chosen.append_timeout_seconds,
                now=clock.now,
            )
    finally:
        await log.stop()


@contextmanager
def explained_appends(asked: list[int] | None = None) -> Iterator[None]:
    """Turn what prevents an action into a `Refusal`; `asked` is what is in the log already."""
    try:
        yield
    except AppendFailed as failure:
        before = f"{sum(asked)} are asked for; of the rest " if asked else ""
        raise Refusal(f"{before}nothing is certain to be written, try again: {failure}") from None
    except BadCursor as bad:
        raise Refusal(f"--cursor: {bad}") from None


def asker() -> Asker:
    """The person at this terminal, by the name the system knows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid-{os.getuid()}"
    return Asker(by=f"cli:{name}", source=SOURCE)


def refuse(what: Unknown | NotRetryable, name: str) -> NoReturn:
    """Say why nothing was done; the exit code is 1."""
    if isinstance(what, NotRetryable):
        text = f"{name} cannot be tried again: {what.reason}"
    else:
        text = f"no {what.what} {name}"
    Console(stderr=True).print(text, markup=False)
    raise typer.Exit(UNKNOWN)


def told(asked: Asked) -> dict[str, str]:
    """The action as JSON."""
    return {name: value for name, value in asdict(asked).items() if value is not None}
