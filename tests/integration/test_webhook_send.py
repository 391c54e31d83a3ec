"""`chatfold webhook send` signs and posts as the provider would, and tells how it went."""

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port
from typer.testing import CliRunner

from chatfold.cli.webhook import app
from providers.protocol import Webhook
from providers.registry import PROVIDERS
from tests.support.fixtures import SAMPLES

SECRET = "the app's secret"


class Gateway:
    """Takes what is signed with the secret, counts, and keeps the most at once."""

    def __init__(self):
        self.paths, self.at_once, self.most_at_once = [], 0, 0

    async def take(self, request):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        body = await request.read()
        await asyncio.sleep(0)
        self.at_once -= 1
        self.paths.append(request.path)
        headers = {name.lower(): value for name, value in request.headers.items()}
        provider = PROVIDERS[request.match_info["provider"]]
        authentic = provider.verify(Webhook(body, headers), SECRET)
        return web.Response(status=200 if authentic else 401, text="" if authentic else "refused")


@pytest.fixture
async def gateway():
    taker = Gateway()
    application = web.Application()
    application.router.add_post("/webhooks/{provider}", taker.take)
    application.router.add_post("/webhooks/{provider}/{tenant}", taker.take)
    async with TestServer(application) as server:
        taker.url = str(server.make_url("")).rstrip("/")
        yield taker


async def send(provider, *options, env=None):
    sample = str(SAMPLES / provider / "text.json")
    arguments = ["send", sample, "--provider", provider, *map(str, options)]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, env=env)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_signed_body_is_accepted(gateway, provider, monkeypatch):
    monkeypatch.setenv("APP_SECRET", SECRET)
    result = await send(provider, "--url", gateway.url, "--secret-ref", "env:APP_SECRET")
    assert result.exit_code == 0, result.output
    assert "1 of 1 accepted" in result.stdout
    assert gateway.paths == [f"/webhooks/{provider}"]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_unsigned_body_is_refused_and_the_exit_code_says_so(gateway, provider):
    result = await send(provider, "--url", gateway.url, "--json")
    assert result.exit_code == 1
    [post] = json.loads(result.stdout)["posts"]
    assert (post["status"], post["answer"]) == (401, "refused")


async def test_a_body_is_posted_as_often_and_by_as_many_at_once_as_asked(gateway, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    options = ("--url", gateway.url + "/", "--tenant", "acme", "--secret-ref", f"file:{secret}")
    result = await send("telegram", *options, "--count", 20, "--concurrency", 4, "--json")
    assert result.exit_code == 0, result.output
    posts = json.loads(result.stdout)["posts"]
    assert [post["status"] for post in posts] == [200] * 20
    assert gateway.paths == ["/webhooks/telegram/acme"] * 20
    assert gateway.most_at_once <= 4


async def test_a_gateway_that_is_not_there_is_told_and_is_no_success():
    result = await send("telegram", "--url", f"http://127.0.0.1:{unused_port()}")
    assert result.exit_code == 1
    assert "no answer" in result.stdout
    assert "0 of 1 accepted" in result.stdout


async def test_a_secret_that_leads_nowhere_is_refused():
    result = await send(
        "telegram", "--url", "http://127.0.0.1:1", "--secret-ref", "env:NO_SUCH_SECRET"
    )
    assert result.exit_code == 2
    assert "NO_SUCH_SECRET" in result.stderr
