"""`chatfold`: one command for everything."""

from importlib.metadata import version
from typing import Annotated

import typer

from chatfold.cli import (
    archive,
    archive_messages,
    chat_actions,
    chats,
    dead_letters,
    deliveries,
    demo,
    doctor,
    export,
    jobs,
    log,
    migrate,
    projections,
    projections_new,
    query,
    run,
    sandbox,
    search,
    stack,
    status,
    tenants,
    topics,
    webhook,
    whatif,
)

app = typer.Typer(
    name="chatfold",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""
    An event-sourced stream processor for messaging webhooks.

    New here? `chatfold demo` runs everything on this machine and shows what happens.

    For work of your own: `chatfold stack up`, `chatfold topics apply`, `chatfold migrate up`,
    `chatfold tenants apply FILE`, then `chatfold run ROLE` for each role. `chatfold doctor` says
    what is missing, `chatfold status` how it goes.
    """,
)

for group in (
    *(stack, topics, migrate, tenants, webhook, chats, deliveries, jobs),
    *(dead_letters, log, projections, archive),
):
    app.add_typer(group.app)
chat_actions.register(chats.app)
archive_messages.register(archive.app)
projections_new.register(projections.app)
for single in (search, run, sandbox, demo, status, doctor, whatif, export, query):
    single.register(app)


@app.callback(invoke_without_command=True)
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
    app()
