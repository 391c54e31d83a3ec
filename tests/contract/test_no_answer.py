"""What every provider's send comes to when no good answer comes, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from chatfold.http import Http, Limits
from providers.failures import Unconfirmed, Unknown
from providers.protocol import Outgoing
from providers.registry import PROVIDERS
from schemas.content import Content, MessageKind
from streams.ports import NotConnected, Unanswered
from tests.contract.provider_cases import CASES

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
HTTP = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@pytest.fixture(params=PROVIDERS)
def name(request):
    return request.param


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(Limits(connect=0.5, total=0.5, connections=2)) as opened:
        yield opened


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """Where somebody reads a whole request, and answers as told."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
            await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has given up
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def sending(name: str, base_url: str):
    case = CASES[name]
    content = Content(kind=MessageKind.TEXT, text="hello")
    message = Outgoing(
        account="200", to=case.to, content=content, reply_to=None, reference="reply-1"
    )
    return PROVIDERS[name].send(message, case.credentials, base_url)


async def sent(http: Http, name: str, answer: Answer):
    async with answering(answer) as url:
        return await http.drive(sending(name, url))


def writes(*parts: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.writelines(parts)
        await writer.drain()

    return answer


async def silence(writer: asyncio.StreamWriter) -> None:
    """Nothing, until the other side has closed."""
    await writer.wait_closed()


async def test_without_an_answer_in_time_nobody_knows(http, name):
    result = await sent(http, name, silence)
    assert isinstance(result, Unanswered)
    assert result.reason is Unknown.TIMEOUT


@pytest.mark.parametrize("begun", [b"", HTTP + b"content-length: 99\r\n\r\n{"])
async def test_a_connection_that_is_cut_leaves_the_outcome_open(http, name, begun):
    result = await sent(http, name, writes(begun))
    assert isinstance(result, Unanswered)
    assert result.reason is Unknown.CONNECTION_LOST


async def test_what_is_no_http_is_no_answer(http, name):
    result = await sent(http, name, writes(b"SSH-2.0-OpenSSH_9.9\r\n"))
    assert isinstance(result, Unanswered)
    assert result.reason is Unknown.MALFORMED_ANSWER


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"[]", b'{"ok":true}'])
async def test_a_success_that_says_nothing_leaves_the_outcome_open(http, name, body):
    result = await sent(http, name, writes(HTTP, b"content-length: %d\r\n\r\n" % len(body), body))
    assert isinstance(result, Unconfirmed)
    assert result.reason is Unknown.MALFORMED_ANSWER


async def test_where_nobody_listens_nothing_was_sent(http, name):
    async with answering(silence) as url:
        pass
    result = await http.drive(sending(name, url))
    assert isinstance(result, NotConnected)


async def test_no_word_of_trouble_holds_a_secret(http, name):
    async with answering(silence) as url:
        pass
    for result in (await http.drive(sending(name, url)), await sent(http, name, writes(b""))):
        assert not any(secret in repr(result) for secret in CASES[name].credentials.values())
