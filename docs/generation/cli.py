"""Every command, from the command line's own help."""

from collections.abc import Iterator
from inspect import cleandoc
from typing import cast

import typer
from typer.core import TyperCommand, TyperGroup

from chatfold.cli.everything import app
from docs.generation import Documents
from docs.generation.markdown import code, page, table

Command = TyperCommand | TyperGroup


def documents() -> Documents:
    """The page of commands."""
    top = cast(TyperGroup, typer.main.get_command(app))
    index = table(("command", "what it does"), _index(top, "chatfold"))
    return {"docs/reference/cli.md": page("Commands", _help(top), index, *_sections(top))}


def _commands(group: Command, name: str) -> Iterator[tuple[str, Command]]:
    """Every command that can be run, by its whole name."""
    for part, command in getattr(group, "commands", {}).items():
        whole = f"{name} {part}"
        if isinstance(command, TyperGroup):
            yield from _commands(command, whole)
        else:
            yield whole, command


def _index(group: Command, name: str) -> Iterator[tuple[str, str]]:
    for whole, command in _commands(group, name):
        yield f"[`{whole}`](#{whole.replace(' ', '-')})", _first_sentence(_help(command))


def _sections(top: TyperGroup) -> Iterator[str]:
    for name, command in top.commands.items():
        if isinstance(command, TyperGroup):
            yield f"## `chatfold {name}`\n\n{_help(command)}"
            yield from (_section(*one, "###") for one in _commands(command, f"chatfold {name}"))
        else:
            yield _section(f"chatfold {name}", cast(Command, command), "##")


def _section(name: str, command: Command, level: str) -> str:
    context = typer.Context(command)
    usage = " ".join((name, *command.collect_usage_pieces(context)))
    records = (one.get_help_record(context) for one in command.get_params(context))
    rows = [(code(what), text) for what, text in filter(None, records) if what != "--help"]
    parts = (f"{level} `{name}`", _help(command), f"```console\n$ {usage}\n```")
    return "\n\n".join(
        (*parts, table(("argument or option", "what it is"), rows)) if rows else parts
    )


def _help(command: Command) -> str:
    return cleandoc(command.help or "")


def _first_sentence(text: str) -> str:
    return text.partition("\n\n")[0].partition("\n")[0]
