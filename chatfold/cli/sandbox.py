"""`chatfold sandbox`: a stand-in for the providers."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated, Final

import typer
import uvloop
from rich.console import Console

from chatfold import clock
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.refusal import Refusal
from chatfold.sandbox import Sandbox, StatusSender, running

DEFAULT_PORT: Final = 18090

Opening = Callable[..., AbstractAsyncContextManager[Sandbox]]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(sandbox)


def sandbox(
    *,
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes any free port.")] = (
        DEFAULT_PORT
    ),
    host: Annotated[str, typer.Option(help="Address to bind to.")] = "127.0.0.1",
    latency_ms: Annotated[int, typer.Option(min=0, help="Delay of every answer.")] = 0,
    statuses_to: Annotated[
        str | None, typer.Option(help="URL to post sent, delivered and read of what it takes.")
    ] = None,
    signed_with: Annotated[
        str, typer.Option(help="Variable with the app secret that signs these statuses.")
    ] = "WP_APP_SECRET",
    as_json: AsJson = False,
) -> None:
    """Stand in for WhatsApp's Graph API and Telegram's Bot API until SIGTERM or Ctrl-C.

    It takes every well-formed message, remembers every request, and fails on demand:

    * `GET /_sandbox/summary` counts what was taken, and names what was taken twice;
    * `GET /_sandbox/requests?to=…&text=…` shows the requests, `DELETE` forgets them;
    * `POST /_sandbox/faults {"fault": "429", "match": {"to": "…"}, "times": 2}` orders faults:
      a status, slow, cut_before_read, cut_after_read, lost_answer, malformed.

    Point an account at it by its `base_url`.
    """
    with explained():
        secret = os.environ.get(signed_with)
        if statuses_to and not secret:
            raise Refusal(f"{signed_with}: it must hold the secret that signs statuses")
        statuses = (statuses_to, secret) if statuses_to and secret else None
        box = partial(running, now=clock.now, host=host, port=port, latency=latency_ms / 1000)
        uvloop.run(_serve(box, statuses, as_json=as_json))


async def _serve(box: Opening, statuses: tuple[str, str] | None, *, as_json: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        tell = None
        if statuses:
            sender = await stack.enter_async_context(StatusSender(*statuses, clock.now))
            tell = sender.offer
        try:
            opened = await stack.enter_async_context(box(on_accepted=tell))
        except OSError as error:
            raise Refusal(f"the sandbox cannot listen: {error.strerror}; see --port") from None
        _announce(opened, as_json=as_json)
        await stop.wait()


def _announce(box: Sandbox, *, as_json: bool) -> None:
    urls = {
        "url": box.url,
        "whatsapp_cloud": box.whatsapp_url,
        "telegram": box.telegram_url,
        "instagram": box.instagram_url,
        "whapi": box.whapi_url,
        "evolution": box.evolution_url,
        "greenapi": box.greenapi_url,
    }
    if as_json:
        print_json(urls)
        sys.stdout.flush()
        return
    console = Console(stderr=True, highlight=False)
    console.print(f"WhatsApp Cloud at {urls['whatsapp_cloud']}, Telegram at {urls['telegram']}")
    console.print(f"what was received: {box.url}/_sandbox/summary")
