"""Exchanges over real sockets: what is proven not sent, what is unknown, what is bounded."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager

import pytest

from chatfold import clock
from chatfold.http import Http, Limits
from chatfold.sandbox import Fault, Match, running
from providers.failures import Unknown
from providers.protocol import Accepted, HttpRequest, HttpResponse, Outgoing
from providers.registry import PROVIDERS
from schemas.content import Content, MessageKind
from streams.ports import NotConnected, Unanswered

SECRET = "s3cr3t-token"
Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handle: Handle) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/{SECRET}/send"


async def request_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = (line.lower() for line in head.splitlines())
    length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    return head + await reader.readexactly(length)


def ask(url: str, *, method: str = "POST", times: int = 1, max_bytes: int = 1000):
    request = HttpRequest(
        method=method,
        url=url,
        headers={"authorization": f"Bearer {SECRET}"},
        body=b"{}",
        secrets=(SECRET,),
        max_bytes=max_bytes,
    )

    def exchange() -> Generator[HttpRequest, HttpResponse, list[HttpResponse]]:
        answers = []
        while len(answers) < times:
            answers.append((yield request))
        return answers

    return exchange()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(Limits(connect=0.5, total=1.0, connections=4)) as opened:
        yield opened


async def test_an_exchange_gets_its_answers_with_lower_case_headers(http: Http) -> None:
    async def handle(reader, writer) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nX-Some: Thing\r\nContent-Length: 2\r\n\r\nhi")
        await writer.drain()

    async with server(handle) as url:
        [answer] = await http.drive(ask(url))
    assert (answer.status, answer.body, answer.headers["x-some"]) == (200, b"hi", "Thing")


async def test_an_exchange_without_a_request_ends_at_once(http: Http) -> None:
    assert await http.drive(ask("http://nowhere.invalid/", times=0)) == []


async def test_a_refused_connection_proves_that_nothing_was_sent(http: Http) -> None:
    async with server(lambda *_: asyncio.sleep(0)) as url:
        pass
    ended = await http.drive(ask(url))
    assert isinstance(ended, NotConnected)
    assert SECRET not in ended.detail


async def test_an_unknown_host_proves_that_nothing_was_sent(http: Http) -> None:
    ended = await http.drive(ask(f"http://nowhere.invalid/{SECRET}"))
    assert isinstance(ended, NotConnected)
    assert SECRET not in ended.detail


async def test_a_full_pool_proves_that_nothing_was_sent() -> None:
    arrived = asyncio.Event()

    async def handle(reader, writer) -> None:
        await request_of(reader)
        arrived.set()
        await asyncio.sleep(3)

    async with Http(Limits(connect=0.2, total=1.0, connections=1)) as narrow, server(handle) as url:
        first = asyncio.create_task(narrow.drive(ask(url)))
        await arrived.wait()
        assert isinstance(await narrow.drive(ask(url)), NotConnected)
        assert isinstance(await first, Unanswered)


@pytest.mark.parametrize("url", ["no url", "http://", "ftp://x/", "http://[::1"])
async def test_a_url_that_is_none_proves_that_nothing_was_sent(http: Http, url: str) -> None:
    assert isinstance(await http.drive(ask(url)), NotConnected)


async def test_silence_is_a_timeout_whose_outcome_nobody_knows(http: Http) -> None:
    async def handle(reader, writer) -> None:
        await request_of(reader)
        await asyncio.sleep(5)

    async with server(handle) as url:
        ended = await http.drive(ask(url))
    assert isinstance(ended, Unanswered)
    assert ended.reason is Unknown.TIMEOUT


async def test_an_answer_that_drips_for_ever_is_a_timeout(http: Http) -> None:
    async def handle(reader, writer) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.2)

    async with server(handle) as url:
        ended = await http.drive(ask(url))
    assert isinstance(ended, Unanswered)
    assert ended.reason is Unknown.TIMEOUT


async def test_a_connection_cut_before_the_answer_leaves_the_outcome_unknown(http: Http) -> None:
    seen = []

    async def handle(reader, writer) -> None:
        seen.append(await request_of(reader))
        writer.transport.abort()

    async with server(handle) as url:
        ended = await http.drive(ask(url))
    assert isinstance(ended, Unanswered)
    assert ended.reason is Unknown.CONNECTION_LOST
    assert len(seen) == 1


async def test_a_post_is_never_sent_again_on_a_connection_that_turned_out_dead(http: Http) -> None:
    seen = []

    async def handle(reader, writer) -> None:
        seen.append(await request_of(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        seen.append(await request_of(reader))
        writer.transport.abort()

    async with server(handle) as url:
        ended = await http.drive(ask(url, times=2))
        again = await http.drive(ask(url))
    assert isinstance(ended, Unanswered)
    assert len(seen) == 3
    assert isinstance(again, list)


async def test_half_an_answer_leaves_the_outcome_unknown(http: Http) -> None:
    async def handle(reader, writer) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await writer.drain()

    async with server(handle) as url:
        ended = await http.drive(ask(url))
    assert isinstance(ended, Unanswered)
    assert ended.reason is Unknown.CONNECTION_LOST


async def test_an_answer_that_is_not_http_is_malformed(http: Http) -> None:
    async def handle(reader, writer) -> None:
        await request_of(reader)
        writer.write(b"HELLO\r\n\r\n")
        await writer.drain()

    async with server(handle) as url:
        ended = await http.drive(ask(url))
    assert isinstance(ended, Unanswered)
    assert ended.reason is Unknown.MALFORMED_ANSWER


async def test_a_later_request_that_finds_nobody_proves_nothing(http: Http) -> None:
    async def handle(reader, writer) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()

    def two(first: str) -> Generator[HttpRequest, HttpResponse, None]:
        yield HttpRequest(method="POST", url=first)
        yield HttpRequest(method="POST", url="http://nowhere.invalid/")

    async with server(handle) as url:
        assert isinstance(await http.drive(two(url)), Unanswered)


async def test_a_body_is_cut_off_at_its_bound_after_unpacking(http: Http) -> None:
    packed = gzip.compress(b"x" * 5_000_000)

    async def handle(reader, writer) -> None:
        await request_of(reader)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(packed) + packed)
        await writer.drain()

    async with server(handle) as url:
        [answer] = await http.drive(ask(url, max_bytes=1234))
    assert answer.body == b"x" * 1234


async def test_a_redirect_is_an_answer_and_the_token_goes_nowhere_else(http: Http) -> None:
    async def handle(reader, writer) -> None:
        await request_of(reader)
        writer.write(
            b"HTTP/1.1 302 Found\r\nLocation: http://evil.invalid/\r\nContent-Length: 0\r\n\r\n"
        )
        await writer.drain()

    async with server(handle) as url:
        [answer] = await http.drive(ask(url))
    assert answer.status == 302


async def test_what_the_exchange_raises_is_raised(http: Http) -> None:
    def broken() -> Generator[HttpRequest, HttpResponse, None]:
        raise KeyError("a bug")
        yield

    with pytest.raises(KeyError):
        await http.drive(broken())


def text(provider: str, to: str, words: str) -> Outgoing:
    content = Content(kind=MessageKind.TEXT, text=words)
    account = "12" if provider == "telegram" else "555"
    return Outgoing(account=account, to=to, content=content, reply_to=None, reference=f"{to}:1")


def send(box, provider: str, words: str = "hello", to: str = "4912345"):
    url = box.telegram_url if provider == "telegram" else box.whatsapp_url
    credentials = {"access_token": SECRET, "bot_token": f"12:{SECRET}"}
    return PROVIDERS[provider].send(text(provider, to, words), credentials, url)


@pytest.mark.parametrize("provider", ["whatsapp_cloud", "telegram"])
async def test_the_providers_adapters_and_the_sandbox_understand_each_other(
    http: Http, provider: str
) -> None:
    async with running(now=clock.now) as box:
        accepted = await http.drive(send(box, provider))
        assert isinstance(accepted, Accepted)
        [entry] = box.journal.find(to="4912345")
        assert entry.text == "hello"
        for fault in ("429", "500", "401", "400", "403"):
            box.faults.add(Fault(fault=fault, retry_after=3))
            failure = await http.drive(send(box, provider))
            assert failure.http_status == int(fault), failure
        for fault in ("lost_answer", "cut_before_read", "cut_after_read", "malformed"):
            box.faults.add(Fault(fault=fault, match=Match(text="odd")))
            lost = await http.drive(send(box, provider, "odd one"))
            assert lost.reason in {Unknown.CONNECTION_LOST, Unknown.MALFORMED_ANSWER}
        assert box.journal.summary()["accepted"] == 3
        assert box.faults.ordered() == []


async def test_the_sandbox_is_controlled_over_http(http: Http) -> None:
    async with running(now=clock.now) as box:

        async def control(method: str, path: str, body: bytes = b"") -> HttpResponse:
            def one() -> Generator[HttpRequest, HttpResponse, HttpResponse]:
                url = f"{box.url}/_sandbox/{path}"
                return (yield HttpRequest(method=method, url=url, body=body))

            return await http.drive(one())

        ordered = await control("POST", "faults", b'{"fault":"429","match":{"to":"7"},"times":2}')
        assert ordered.status == 201
        assert (await control("POST", "faults", b'{"fault":"what"}')).status == 400
        assert b'"left":2' in (await control("GET", "faults")).body
        assert (await control("DELETE", "faults")).status == 204
        await http.drive(send(box, "telegram", to="8"))
        assert b'"found":1' in (await control("GET", "requests?to=8&limit=5")).body
        assert b'"found":1' in (await control("GET", "requests?is_send=True")).body
        assert b'"found":0' in (await control("GET", "requests?is_send=False")).body
        assert (await control("GET", "requests?limit=x")).status == 400
        assert b'"accepted":1' in (await control("GET", "summary")).body
        assert (await control("DELETE", "requests")).status == 204
        assert b'"accepted":0' in (await control("GET", "summary")).body
