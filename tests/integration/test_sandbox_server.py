"""The sandbox as a program, and the statuses it posts."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from chatfold import clock
from chatfold.sandbox import StatusSender, running
from providers.protocol import StatusReport, Webhook
from providers.whatsapp_cloud import PROVIDER
from schemas import codec
from schemas.content import Status
from tests.support import agents

SECRET = "app-s3cr3t"
MESSAGE = {
    "messaging_product": "whatsapp",
    "to": "4912345",
    "type": "text",
    "text": {"body": "hello"},
    "biz_opaque_callback_data": "reply:1",
}


class Gateway:
    """Takes webhooks; the first `failing` are answered with 503."""

    def __init__(self, failing: int = 0) -> None:
        self.failing = failing
        self.taken: list[Webhook] = []

    async def take(self, request: web.Request) -> web.Response:
        if self.failing:
            self.failing -= 1
            return web.Response(status=503)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.taken.append(Webhook(body=await request.read(), headers=headers))
        return web.Response()

    def statuses(self) -> list[StatusReport]:
        """What the webhooks tell, read as the product reads them."""
        assert all(PROVIDER.verify(webhook, SECRET) for webhook in self.taken)
        items = [item for one in self.taken for item in PROVIDER.split(codec.loads(one.body))]
        return [PROVIDER.parse(item.kind, item.fragment) for item in items]


@asynccontextmanager
async def served(gateway: Gateway) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([web.post("/webhooks/whatsapp_cloud", gateway.take)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/whatsapp_cloud"
    finally:
        await runner.cleanup()


async def test_what_was_taken_is_reported_as_sent_delivered_and_read_with_its_reference() -> None:
    gateway = Gateway(failing=2)
    async with (
        served(gateway) as url,
        StatusSender(url, SECRET, clock.now) as sender,
        running(now=clock.now, on_accepted=sender.offer) as box,
        aiohttp.ClientSession(headers={"authorization": "Bearer x"}) as http,
    ):
        async with http.post(f"{box.whatsapp_url}/1555/messages", json=MESSAGE) as answer:
            message_id = (await answer.json())["messages"][0]["id"]

        async def told() -> bool:
            return len(gateway.taken) == 3

        await agents.eventually(told, "three statuses", 20)
        assert (sender.posted, sender.dropped) == (3, 0)
    statuses = gateway.statuses()
    assert [one.status for one in statuses] == [Status.SENT, Status.DELIVERED, Status.READ]
    assert {one.platform_message_id for one in statuses} == {message_id}
    assert {one.reference for one in statuses} == {"reply:1"}


async def test_the_command_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "chatfold", "sandbox", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        urls = json.loads(await asyncio.to_thread(process.stdout.readline))
        async with aiohttp.ClientSession() as http:
            send = f"{urls['telegram']}/bot12:token/sendMessage"
            async with http.post(send, json={"chat_id": 5, "text": "hi"}) as answer:
                assert (await answer.json())["ok"]
            async with http.get(f"{urls['url']}/_sandbox/summary") as summary:
                assert (await summary.json())["accepted"] == 1
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 10) == 0
    finally:
        process.kill()
        process.stdout.close()


def test_the_command_says_what_it_needs() -> None:
    command = [sys.executable, "-m", "chatfold", "sandbox", "--statuses-to", "http://x/"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, env={})
    assert done.returncode == 2
    assert "WP_APP_SECRET" in done.stderr


def test_a_taken_port_is_told_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "chatfold", "sandbox", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
