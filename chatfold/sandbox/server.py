"""The sandbox as an HTTP server."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from chatfold.clock import Clock
from chatfold.sandbox import (
    evolution,
    graph,
    greenapi,
    instagram,
    models,
    telegram,
    twilio,
    webpush,
    whapi,
)
from chatfold.sandbox.control import Control
from chatfold.sandbox.exchange import World
from chatfold.sandbox.faults import Faults
from chatfold.sandbox.journal import Journal, Received
from chatfold.sandbox.media import Media
from chatfold.sandbox.thinking import Sayings
from chatfold.sandbox.webpush import Browsers
from schemas import codec

LARGEST_BODY: Final = 64_000_000


def base_urls(url: str) -> dict[str, str]:
    """The base URLs of accounts and of models, by provider, for a sandbox at `url`."""
    return {
        graph.PROVIDER: f"{url}/v23.0",
        telegram.PROVIDER: url,
        instagram.PROVIDER: f"{url}{instagram.PREFIX}/v23.0",
        whapi.PROVIDER: f"{url}{whapi.PREFIX}",
        evolution.PROVIDER: f"{url}{evolution.PREFIX}",
        greenapi.PROVIDER: url,
        twilio.PROVIDER: url,
        models.PROVIDER: f"{url}{models.PREFIX}",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A running sandbox."""

    url: str
    journal: Journal
    faults: Faults
    media: Media
    browsers: Browsers
    sayings: Sayings

    @property
    def whatsapp_url(self) -> str:
        """The base URL for WhatsApp Cloud accounts."""
        return base_urls(self.url)[graph.PROVIDER]

    @property
    def telegram_url(self) -> str:
        """The base URL for Telegram accounts."""
        return base_urls(self.url)[telegram.PROVIDER]

    @property
    def greenapi_url(self) -> str:
        """The base URL for Green API accounts."""
        return base_urls(self.url)[greenapi.PROVIDER]

    @property
    def whapi_url(self) -> str:
        """The base URL for Whapi accounts; a token is `CHANNEL:anything`."""
        return base_urls(self.url)[whapi.PROVIDER]

    @property
    def evolution_url(self) -> str:
        """The base URL for Evolution accounts; an account is the instance that a URL names."""
        return base_urls(self.url)[evolution.PROVIDER]

    @property
    def instagram_url(self) -> str:
        """The base URL for Instagram accounts; a token is `ACCOUNT:anything`."""
        return base_urls(self.url)[instagram.PROVIDER]

    @property
    def twilio_url(self) -> str:
        """The base URL for Twilio accounts."""
        return base_urls(self.url)[twilio.PROVIDER]

    @property
    def models_url(self) -> str:
        """The base URL of the model service; a key is `ACCOUNT:anything`."""
        return base_urls(self.url)[models.PROVIDER]

    def subscription(self, browser: str) -> str:
        """Where to push for a browser, as a site gets it; a push account's base URL is `url`."""
        return codec.dumps(self.browsers.subscribed(browser).subscription(self.url)).decode()


@asynccontextmanager
async def running(
    *,
    now: Clock,
    host: str = "127.0.0.1",
    port: int = 0,
    latency: float = 0.0,
    on_accepted: Callable[[Received], None] | None = None,
) -> AsyncIterator[Sandbox]:
    """A sandbox that listens at `host` and `port`, 0 for any free one, until the block ends."""
    world = World(
        journal=Journal(),
        faults=Faults(),
        now=now,
        on_accepted=on_accepted or _tell_nobody,
        latency=latency,
    )
    media, browsers, sayings = Media(), Browsers(), Sayings()
    app = _app(world, media, browsers, sayings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        yield Sandbox(
            url=f"http://{host}:{bound}",
            journal=world.journal,
            faults=world.faults,
            media=media,
            browsers=browsers,
            sayings=sayings,
        )
    finally:
        await runner.cleanup()


def _app(world: World, media: Media, browsers: Browsers, sayings: Sayings) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY)
    app.add_routes(Control(world, media, sayings).routes())
    app.add_routes(telegram.routes(world, media))
    app.add_routes(whapi.routes(world, media))
    app.add_routes(evolution.routes(world, media))
    app.add_routes(instagram.routes(world, media))
    app.add_routes(graph.routes(world, media))
    app.add_routes(greenapi.routes(world, media))
    app.add_routes(twilio.routes(world))
    app.add_routes(webpush.routes(world, browsers))
    app.add_routes(models.routes(world, sayings))
    return app


def _tell_nobody(_received: Received) -> None:
    """Post no statuses."""
