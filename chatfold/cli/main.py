"""`chatfold`: one command for everything; what is not called is not loaded."""

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import version
from types import MappingProxyType, ModuleType
from typing import Annotated, Final

import typer

PARTS: Final = MappingProxyType(
    {
        "stack": ("stack",),
        "topics": ("topics",),
        "migrate": ("migrate",),
        "tenants": ("tenants",),
        "webhook": ("webhook",),
        "chats": ("chats", "chat_actions", "chat_files"),
        "deliveries": ("deliveries",),
        "jobs": ("jobs",),
        "dead-letters": ("dead_letters",),
        "log": ("log",),
        "projections": ("projections", "projections_new"),
        "archive": ("archive", "archive_messages"),
        "search": ("search",),
        "run": ("run",),
        "sandbox": ("sandbox",),
        "demo": ("demo",),
        "status": ("status",),
        "doctor": ("doctor",),
        "whatif": ("whatif",),
        "export": ("export",),
        "query": ("query",),
    }
)
"""The modules of each command; the first makes it, the others add to it."""

_HELP: Final = """
    An event-sourced stream processor for messaging webhooks.

    New here? `chatfold demo` runs everything on this machine and shows what happens.

    For work of your own: `chatfold stack up`, `chatfold topics apply`, `chatfold migrate up`,
    `chatfold tenants apply FILE`, then `chatfold run ROLE` for each role. `chatfold doctor` says
    what is missing, `chatfold status` how it goes.
    """


def built(names: Iterable[str]) -> typer.Typer:
    """The command line with these commands."""
    app = typer.Typer(
        name="chatfold",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        help=_HELP,
    )
    app.callback(invoke_without_command=True)(chatfold)
    for name in names:
        _add(app, [import_module(f"chatfold.cli.{part}") for part in PARTS[name]])
    return app


def _add(app: typer.Typer, parts: list[ModuleType]) -> None:
    first, *others = parts
    group = getattr(first, "app", None)
    if group is None:
        first.register(app)
        return
    app.add_typer(group)
    for other in others:
        other.register(group)


def chatfold(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True)
    ] = False,
) -> None:
    """An event-sourced stream processor for messaging webhooks."""
    if show_version:
        print(version("chatfold"))
        raise typer.Exit


def main() -> None:
    """The console script."""
    match sys.argv[1:2]:
        case [word] if word in PARTS or word == "--version":
            app = built({word} & PARTS.keys())
        case _:
            app = built(PARTS)
    app()
