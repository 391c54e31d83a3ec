"""`chatfold sandbox`: a stand-in for the providers."""

import contextlib
import os
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
from chatfold.cli.stopping import stop_on_signals
from chatfold.refusal import Refusal
from chatfold.sandbox import Sandbox, StatusSender, base_urls, running
from chatfold.sandbox.journal import Received
from chatfold.sandbox.statuses import BODIES

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
        str | None,
        typer.Option(
            help="Gateway to tell, at /webhooks/PROVIDER, what is sent, delivered and read."
        ),
    ] = None,
    signed_with: Annotated[
        str, typer.Option(help="Variable with the secret that proves these webhooks.")
    ] = "WP_APP_SECRET",
    as_json: AsJson = False,
) -> None:
    """Stand in for the providers' APIs and for a model service until SIGTERM or Ctrl-C.

    WhatsApp Cloud, Telegram, Instagram, Whapi, Evolution and Green API; Twilio and web push;
    models that speak as OpenAI's, to be named as `base_url` of a tenant's models.
    It takes every well-formed message, remembers every request, and fails on demand:

    * `GET /_sandbox/summary` counts what was taken, and names what was taken twice;
    * `GET /_sandbox/requests?to=…&text=…` shows the requests, `DELETE` forgets them;
    * `POST /_sandbox/faults {"fault": "429", "match": {"to": "…"}, "times": 2}` orders faults:
      a status, slow, cut_before_read, cut_after_read, lost_answer, malformed; for models also
      cut_stream, no_finish, streamed_error, content_filter, ended_early, quota; for files
      wrong_sha, wrong_mime, expired, private_redirect, endless;
    * `POST /_sandbox/sayings {"to": "…", "say": "…"}` has the model answer what holds these
      words, or `Sum up` a conversation; with `sha256` in place of `to` it is what it hears
      or sees in a file.

    Point an account at it by its `base_url`.
    """
    with explained():
        secret = os.environ.get(signed_with)
        if statuses_to and not secret:
            raise Refusal(f"{signed_with}: it must hold the secret that proves statuses")
        statuses = (statuses_to, secret) if statuses_to and secret else None
        box = partial(running, now=clock.now, host=host, port=port, latency=latency_ms / 1000)
        uvloop.run(_serve(box, statuses, as_json=as_json))


async def _serve(box: Opening, statuses: tuple[str, str] | None, *, as_json: bool) -> None:
    stop = stop_on_signals()
    async with contextlib.AsyncExitStack() as stack:
        tell = await _teller(stack, *statuses) if statuses else None
        try:
            opened = await stack.enter_async_context(box(on_accepted=tell))
        except OSError as error:
            raise Refusal(f"the sandbox cannot listen: {error.strerror}; see --port") from None
        _announce(opened, as_json=as_json)
        await stop.wait()


async def _teller(
    stack: contextlib.AsyncExitStack, gateway: str, secret: str
) -> Callable[[Received], None]:
    """Tells the gateway of what was taken, in the words of each provider that tells at all."""
    senders = {
        name: await stack.enter_async_context(
            StatusSender(f"{gateway.rstrip('/')}/webhooks/{name}", secret, clock.now, provider=name)
        )
        for name in BODIES
    }

    def tell(received: Received) -> None:
        if received.provider in senders:
            senders[received.provider].offer(received)

    return tell


def _announce(box: Sandbox, *, as_json: bool) -> None:
    urls = base_urls(box.url)
    if as_json:
        print_json({"url": box.url, **urls})
        sys.stdout.flush()
        return
    console = Console(stderr=True, highlight=False)
    for provider, url in urls.items():
        console.print(f"{provider} at {url}")
    console.print(f"what was received: {box.url}/_sandbox/summary")
