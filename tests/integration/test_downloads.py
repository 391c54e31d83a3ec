"""Files are fetched from where they may be, as much as is wanted, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Generator

import pytest
from aiohttp import web

from chatfold.downloads import Addresses, Downloads, Limits, networks
from providers.failures import Unknown
from providers.protocol import HttpRequest, HttpResponse
from streams.ports import NotConnected, Unanswered, Unsafe
from tests.support import odd_host
from tests.support.odd_host import OddHost

LARGE = 2_000_000


@pytest.fixture
async def host() -> AsyncIterator[OddHost]:
    async with odd_host.running() as running:
        yield running


@pytest.fixture
async def downloads() -> AsyncIterator[Downloads]:
    async with Downloads(Addresses(), Limits(connect=1.0, read=0.5, total=5.0)) as opened:
        yield opened


def ask(url: str, max_bytes: int = LARGE) -> Generator[HttpRequest, HttpResponse, HttpResponse]:
    headers = {"authorization": "Bearer s3cr3t"}
    return (
        yield HttpRequest(
            method="GET", url=url, headers=headers, secrets=("s3cr3t",), max_bytes=max_bytes
        )
    )


async def no_reserve(count: int) -> None:
    """There is always room."""


def named(host: OddHost, name: str) -> str:
    return f"{host.url}/files/{name}"


async def test_what_the_operator_has_named_is_asked_wherever_it_is(host, downloads) -> None:
    host.files["a"] = b"abc"
    found = await downloads.fetch(ask(named(host, "a")), host.url, no_reserve)
    assert isinstance(found, HttpResponse)
    assert (found.status, found.body) == (200, b"abc")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::1]"])
async def test_an_address_inside_is_not_asked_by_whatever_name(host, downloads, name) -> None:
    url = named(host, "a").replace("127.0.0.1", name)
    for base_url in (None, "https://graph.facebook.com", host.url.replace("http:", "https:")):
        found = await downloads.fetch(ask(url), base_url, no_reserve)
        assert isinstance(found, Unsafe | NotConnected)
        assert "s3cr3t" not in found.detail
        if name in {"127.0.0.1", "localhost", "[::1]"}:
            assert isinstance(found, Unsafe)
    assert host.asked == {}


async def test_a_connection_to_what_was_named_serves_no_stranger(host, downloads) -> None:
    await downloads.fetch(ask(named(host, "a")), host.url, no_reserve)
    found = await downloads.fetch(ask(named(host, "b")), None, no_reserve)
    assert isinstance(found, Unsafe)
    assert host.asked == {"file a": 1}


async def test_what_is_allowed_is_asked(host) -> None:
    async with Downloads(Addresses(networks(["127.0.0.0/8"]))) as allowing:
        found = await allowing.fetch(ask(named(host, "a")), None, no_reserve)
    assert isinstance(found, HttpResponse)


async def test_a_redirect_is_told_and_not_followed(host, downloads) -> None:
    found = await downloads.fetch(ask(named(host, "redirect")), host.url, no_reserve)
    assert isinstance(found, HttpResponse)
    assert (found.status, found.headers["location"]) == (302, odd_host.PRIVATE)


async def test_a_body_without_end_is_read_as_far_as_it_is_wanted(host, downloads) -> None:
    found = await downloads.fetch(ask(named(host, "endless")), host.url, no_reserve)
    assert isinstance(found, HttpResponse)
    assert len(found.body) == LARGE
    assert host.sent < 5 * LARGE


async def test_a_body_that_is_cut_or_does_not_come_is_no_file(host, downloads) -> None:
    cut = await downloads.fetch(ask(named(host, "cut")), host.url, no_reserve)
    slow = await downloads.fetch(ask(named(host, "slow")), host.url, no_reserve)
    assert isinstance(cut, Unanswered)
    assert isinstance(slow, Unanswered)
    assert (cut.reason, slow.reason) == (Unknown.CONNECTION_LOST, Unknown.TIMEOUT)


async def test_nobody_there_is_told(host, downloads) -> None:
    found = await downloads.fetch(ask("http://127.0.0.1:1/x"), "http://127.0.0.1:1", no_reserve)
    assert isinstance(found, NotConnected)


async def test_what_is_large_is_read_when_there_is_room_for_it(host, downloads) -> None:
    host.files["a"] = b"x" * 1_500_000
    asked: list[int] = []
    room = asyncio.Event()

    async def reserve(count: int) -> None:
        asked.append(count)
        await room.wait()

    small = await downloads.fetch(ask(named(host, "a"), 1000), host.url, reserve)
    assert (isinstance(small, HttpResponse), asked) == (True, [])
    fetching = asyncio.create_task(downloads.fetch(ask(named(host, "a")), host.url, reserve))
    async with asyncio.timeout(3):
        while not asked:
            await asyncio.sleep(0.01)
    assert not fetching.done()
    room.set()
    found = await fetching
    assert isinstance(found, HttpResponse)
    assert (len(found.body), asked) == (1_500_000, [1_500_000])


async def test_what_the_exchange_raises_is_raised(host, downloads) -> None:
    def breaks() -> Generator[HttpRequest, HttpResponse, None]:
        yield HttpRequest(method="GET", url=named(host, "a"))
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        await downloads.fetch(breaks(), host.url, no_reserve)


async def test_a_body_that_unpacks_without_end_is_cut_too() -> None:
    import gzip

    bomb = gzip.compress(b"\x00" * 40 * LARGE)

    async def unpacks(_request: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"content-encoding": "gzip"})

    app = web.Application()
    app.add_routes([web.get("/bomb", unpacks)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with Downloads(Addresses()) as opened:
            found = await opened.fetch(ask(f"{url}/bomb"), url, no_reserve)
    finally:
        await runner.cleanup()
    assert isinstance(found, HttpResponse)
    assert len(found.body) == LARGE
