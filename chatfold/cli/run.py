"""`chatfold run ROLE`: one process of the pipeline."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer
import uvloop

from chatfold import collector, ending, settings, wiring
from chatfold.cli.output import explained
from chatfold.cli.stopping import stop_on_signals
from chatfold.settings import Settings
from chatfold.telemetry import configure_logging


class RoleName(StrEnum):
    """The roles that a process can be."""

    GATEWAY = "gateway"
    DECIDER = "decider"
    DELIVERY = "delivery"
    REPLY = "reply"
    MEDIA = "media"
    PROJECTOR = "projector"
    VIEWS = "views"
    ARCHIVER = "archiver"
    API = "api"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(run)


def run(
    role: Annotated[RoleName, typer.Argument(help="Which part of the pipeline to be.")],
) -> None:
    """Be one role until SIGTERM or Ctrl-C; start as many of each as you need.

    Every role answers /metrics, /healthz and /readyz on its own port. It refuses to start, with
    exit code 2, if a setting, a topic or the database is not as it must be.
    """
    with explained():
        loaded = settings.load()
        configure_logging(loaded.log_level, role)
        collector.relax()
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # for the thread that Faust starts
        uvloop.run(ending.bounded(_until_told(role, loaded)))


async def _until_told(role: str, loaded: Settings) -> None:
    await wiring.run(role, loaded, stop_on_signals())
