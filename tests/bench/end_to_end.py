"""From the webhook's arrival to the provider's receipt of the reply: every role on this machine.

Posts signed WhatsApp webhooks of one message each at a steady rate, by many people, and asks the
sandbox when it received each reply. `--rate 0` looks for the highest rate that is held for
`--seconds` with no lag growing.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime

import aiohttp
import uvloop

from chatfold import clock
from chatfold.demo import script, stage
from chatfold.lags import lags
from chatfold.stack import Stack
from providers.registry import PROVIDERS
from schemas import codec
from tests.bench import common
from tests.support import webhooks

MODULE = "tests.bench.end_to_end"
CHATS = 5_000
CONNECTIONS = 64
PAGE = 100_000
SETTLE_SECONDS = 30.0


@dataclass(frozen=True)
class Figures:
    """One run: what was posted, what came of it, and how long it took."""

    rate: float
    seconds: float
    posted: int
    accepted: int
    received: int
    lost: int
    doubled: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    settled_seconds: float
    cpu_us: dict[str, float]


class Poster(asyncio.Protocol):
    """One connection; posts what it is given, one request after the other."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()
        self.status = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 "):  # what follows a head is nothing to us
            self.status = data[9:12]
            self.answered.set()

    async def post(self, request: bytes) -> bool:
        self.answered.clear()
        self.transport.write(request)
        await self.answered.wait()
        return self.status == b"200"


def requests(run: str, count: int, port: int) -> list[bytes]:
    """Signed requests, each a message of its own."""
    return [
        _request(f"wamid.{run}.{n}", str(4915100000000 + n % CHATS), port) for n in range(count)
    ]


def _request(wamid: str, user: str, port: int) -> bytes:
    told = webhooks.body(webhooks.text("Hello, is anybody there?", wamid=wamid, user=user))
    value = told["entry"][0]["changes"][0]["value"]
    value["metadata"]["phone_number_id"] = script.ACCOUNTS["whatsapp_cloud"]
    body = codec.dumps(told)
    signature = PROVIDERS["whatsapp_cloud"].sign(body, script.SECRETS["CHATFOLD_DEMO_SECRET"])
    (name, value), *_ = signature.items()
    head = (
        f"POST /webhooks/whatsapp_cloud HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        f"content-type: application/json\r\n{name}: {value}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def load(port: int) -> None:
    """Post as told on stdin (`run rate seconds`), and print when each request was begun."""
    loop = asyncio.get_running_loop()
    posters = [
        (await loop.create_connection(Poster, "127.0.0.1", port))[1] for _ in range(CONNECTIONS)
    ]
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        run, rate, seconds = line.split()
        made = requests(run, int(float(rate) * float(seconds)), port)
        told = await _post_all(posters, made, float(rate))
        print(codec.dumps(told).decode(), flush=True)


async def _post_all(posters: list[Poster], made: list[bytes], rate: float) -> dict[str, object]:
    loop, free = asyncio.get_running_loop(), asyncio.Queue[Poster]()
    for poster in posters:
        free.put_nowait(poster)
    began, at, accepted = loop.time(), [0.0] * len(made), 0

    async def one(number: int, poster: Poster) -> None:
        nonlocal accepted
        at[number] = time.time()
        is_accepted = await poster.post(made[number])
        accepted += is_accepted  # not in one line: others count while this one waits
        free.put_nowait(poster)

    tasks = []
    for number in range(len(made)):
        await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
        tasks.append(asyncio.create_task(one(number, await free.get())))
    await asyncio.gather(*tasks)
    return {"at": at, "accepted": accepted, "seconds": loop.time() - began}


@contextmanager
def everything() -> Iterator[stage.Stage]:
    """Every role and the sandbox, each a process."""
    with common.stack() as shared:
        chosen = stage.of_its_own(shared, clock.now())
        standing = stage.Stage(chosen, Stack(shared), statuses=False)
        try:
            uvloop.run(stage.set_up(standing, lambda _: None))
            yield standing
        finally:
            uvloop.run(stage.tear_down(standing, stop_stack=False))


def measure(
    standing: stage.Stage, generator: common.Child, run: str, rate: float, seconds: float
) -> Figures:
    """Post at `rate` for `seconds` and see what arrives."""
    roles = {**standing.roles, "sandbox": standing.sandbox}
    children = {name: common.Child(child.process) for name, child in roles.items()}
    before = {name: child.cpu_seconds() for name, child in children.items()}
    told = generator.ask(f"{run} {rate} {seconds}")
    ended = time.monotonic()
    posted = {f"wamid.{run}.{n}": at for n, at in enumerate(told["at"])}
    received = uvloop.run(_received(standing, run, len(posted)))
    used = {name: child.cpu_seconds() - before[name] for name, child in children.items()}
    times = sorted((received[w][0] - posted[w]) * 1000 for w in received)
    return Figures(
        rate=rate,
        seconds=round(told["seconds"], 1),
        posted=len(posted),
        accepted=told["accepted"],
        received=len(received),
        lost=len(posted.keys() - received.keys()),
        doubled=sum(len(moments) > 1 for moments in received.values()),
        p50_ms=round(times[len(times) // 2], 1),
        p90_ms=round(times[int(len(times) * 0.9)], 1),
        p99_ms=round(times[int(len(times) * 0.99)], 1),
        max_ms=round(times[-1], 1),
        settled_seconds=round(time.monotonic() - ended, 1),
        cpu_us={name: round(one / len(posted) * 1e6, 1) for name, one in used.items()},
    )


async def _received(standing: stage.Stage, run: str, wanted: int) -> dict[str, list[float]]:
    """When each message was answered, once all are or nothing more comes."""
    found: dict[str, list[float]] = {}
    since, quiet = 0, time.monotonic()
    while len(found) < wanted and time.monotonic() - quiet < SETTLE_SECONDS:
        for one in await _page(standing, since):
            since = one["number"]
            answered = one["body"].get("context", {}).get("message_id", "")
            if one["is_send"] and one["accepted"] and answered.startswith(f"wamid.{run}."):
                moment = datetime.fromisoformat(one["received_at"]).timestamp()
                found.setdefault(answered, []).append(moment)
                quiet = time.monotonic()
        await asyncio.sleep(0.05)
    return found


async def _page(standing: stage.Stage, since: int) -> list[dict]:
    url = f"{standing.sandbox_url}/_sandbox/requests?since={since}&limit={PAGE}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return codec.loads(await answer.read())["requests"]


def highest(measured: Callable[[str, float], Figures], seconds: float) -> list[Figures]:
    """Ever higher rates, until one is not held: what is posted does not leave in time."""
    found = []
    for rate in (400, 600, 800, 1000, 1200, 1500, 2000):
        figures = measured(f"r{rate}", rate)
        found.append(figures)
        print(figures, file=sys.stderr)
        is_held = figures.seconds < seconds * 1.02 and figures.settled_seconds < 2.0
        if figures.lost or not is_held:
            break
    return found


def main() -> None:
    """Run and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    chosen = parser.parse_args()
    with everything() as standing:
        port = str(standing.settings.gateway_port)
        with common.child(MODULE, "load", port) as generator:
            measure(standing, generator, "warm", 400, 15)

            def measured(run: str, rate: float) -> Figures:
                return measure(standing, generator, run, rate, chosen.seconds)

            results = (
                [measured("run", chosen.rate)] if chosen.rate else highest(measured, chosen.seconds)
            )
            behind = asyncio.run(lags(standing.settings.bootstrap, standing.settings.topic_prefix))
    for one in results:
        print(codec.dumps(asdict(one)).decode() if chosen.json else one)
    print({lag.role: lag.records for lag in behind}, file=sys.stderr)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["load", port]:
            uvloop.run(load(int(port)))
        case _:
            main()
