"""How every command prints JSON, and how it says what a person can mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.text import Text

from chatfold.refusal import Refusal
from schemas import codec

REFUSED: Final = 2

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def print_json(value: object) -> None:
    """Print `value` as one line of JSON."""
    print(codec.dumps(value).decode())


def plain(value: object) -> Text:
    """What people wrote, without what a terminal would obey."""
    return Text("".join(c if c.isprintable() else "\ufffd" for c in str(value)))


def moment_of(value: object) -> str:
    """A time as tables show it."""
    return f"{value:%Y-%m-%d %H:%M:%S}" if value else "-"


def dollars(micros: object) -> str:
    """Millionths of a US dollar as tables show them; - where no price is known."""
    return f"${micros / 1e6:.4f}" if isinstance(micros, int) else "-"


def size_of(size: object) -> str:
    """A number of bytes as people read it."""
    if not isinstance(size, int):
        return ""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"


@contextmanager
def explained() -> Iterator[None]:
    """Turn what a person can mend into one message on stderr and exit code 2."""
    try:
        yield
    except Refusal as refusal:
        _refuse(str(refusal))
    except KafkaError as error:
        _refuse(f"Kafka cannot be used ({error!r}): is it running? Try `chatfold doctor`.")


def _refuse(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(f"chatfold: {text}", markup=False)
    raise typer.Exit(REFUSED) from None
