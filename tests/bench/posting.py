"""The load on a gateway: webhooks as they come over the wire, on many connections."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from time import perf_counter

from providers.registry import PROVIDERS
from schemas import codec
from tests.bench import providers as messages

PREFIX = "/webhooks/"
BODIES = 4000
CONNECTIONS = 64
ROUNDS = 2  # one warms up


def request(provider: str, number: int, secret: str) -> bytes:
    """The `number`-th webhook as it comes over the wire: one text message of one of the chats."""
    person = 491510000000 + number * 7919 % messages.CHATS
    content = messages.padded(provider, number, person=person)
    proof = PROVIDERS[provider].sign(content, secret).items()
    head = (
        f"POST {PREFIX}{provider} HTTP/1.1\r\nhost: gateway.example.com\r\naccept: */*\r\n"
        f"user-agent: facebookexternalua\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\n"
    )
    return (
        head + "".join(f"{name}: {value}\r\n" for name, value in proof) + "\r\n"
    ).encode() + content


class Connection(asyncio.Protocol):
    """Posts one request after the other; a response is one with an empty body or a length."""

    def __init__(self, requests: Iterator[bytes], on_end: Callable[[], None]) -> None:
        self.requests = requests
        self.on_end = on_end
        self.statuses: dict[bytes, int] = {}
        self.latencies: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.post()

    def post(self) -> None:
        following = next(self.requests, None)
        if following is None:
            self.transport.close()
            self.on_end()
            return
        self.began = perf_counter()
        self.transport.write(following)

    def data_received(self, data: bytes) -> None:
        self.latencies.append(perf_counter() - self.began)
        status = data[9:12]
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.post()


async def post_all(provider: str, port: int, secret: str, requests: int) -> None:
    """Post `requests`, twice, each when told on stdin; print what came back."""
    made = [request(provider, number, secret) for number in range(BODIES)]
    print("ready", flush=True)
    for _ in range(ROUNDS):
        await asyncio.to_thread(sys.stdin.readline)
        print(codec.dumps(await post_round(port, made, requests)).decode(), flush=True)


async def post_round(port: int, made: Sequence[bytes], requests: int) -> dict[str, float]:
    """One round over all connections."""
    loop = asyncio.get_running_loop()
    feed = iter([made[number % BODIES] for number in range(requests)])
    ended = [loop.create_future() for _ in range(CONNECTIONS)]
    began = perf_counter()
    connections = [
        (
            await loop.create_connection(
                partial(Connection, feed, partial(end.set_result, None)), "127.0.0.1", port
            )
        )[1]
        for end in ended
    ]
    await asyncio.gather(*ended)
    seconds = perf_counter() - began
    latencies = sorted(one for connection in connections for one in connection.latencies)
    accepted = sum(connection.statuses.get(b"200", 0) for connection in connections)
    return {
        "answered": len(latencies),
        "accepted": accepted,
        "seconds": seconds,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
    }
