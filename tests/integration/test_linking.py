"""People known by a phone and by a business-scoped id, through all roles, while deciders die."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace

import aiohttp
from typer.testing import CliRunner

from chatfold import views
from chatfold.cli.chats import app
from chatfold.demo import script, stage
from providers.registry import PROVIDERS
from schemas import codec
from schemas.facts import ChatMerged, MessageReceived, ReplyGenerated
from tests.support import kafka, pipeline, webhooks
from tests.support.servers import environment

PEOPLE, EACH = 8, 7


@dataclass
class Person:
    """Writes one message after the other, by either id or by both."""

    number: int
    accepted: list[str] = field(default_factory=list)

    @property
    def ids(self) -> tuple[str, str]:
        return f"49151000{self.number:05d}", f"DE.13491208655{self.number:05d}"

    async def write(self, session: aiohttp.ClientSession, url: str, rng: random.Random) -> None:
        ways = [rng.choice([(True, False), (False, True), (True, True)]) for _ in range(EACH - 1)]
        for count, (by_phone, by_id) in enumerate([*ways, (True, True)]):
            wamid = f"wamid.{self.number}.{count}"
            body = codec.dumps(self._body(wamid, by_phone=by_phone, by_id=by_id))
            for _ in range(rng.choice([1, 1, 2])):
                await post(session, url, body)
            self.accepted.append(wamid)

    def _body(self, wamid: str, *, by_phone: bool, by_id: bool) -> dict:
        phone, user_id = self.ids
        message, contact = webhooks.text("Hello", wamid=wamid, user=phone), {"wa_id": phone}
        if by_id:
            message["from_user_id"] = contact["user_id"] = user_id
        if not by_phone:
            del message["from"], contact["wa_id"]
        told = webhooks.body(webhooks.text("", wamid=wamid, user=phone))
        value = told["entry"][0]["changes"][0]["value"]
        value["metadata"]["phone_number_id"] = script.ACCOUNTS["whatsapp_cloud"]
        value |= {"messages": [message], "contacts": [contact]}
        return told


async def post(session: aiohttp.ClientSession, url: str, body: bytes) -> None:
    signature = PROVIDERS["whatsapp_cloud"].sign(body, pipeline.SECRET)
    headers = {"content-type": "application/json", **signature}
    async with session.post(url, data=body, headers=headers) as answer:
        assert answer.status == 200


async def test_a_persons_ids_show_one_chat_with_each_message_answered_once(servers):
    rng, people = random.Random(3), [Person(number) for number in range(PEOPLE)]
    async with pipeline.everything(servers, stage.Stack(servers)) as standing:
        url = f"{standing.gateway_url}/webhooks/whatsapp_cloud"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            writing = [asyncio.create_task(one.write(session, url, rng)) for one in people]
            for _ in range(2):
                await half_decided(standing, people)
                pipeline.kill(standing, "decider")
                pipeline.restart(standing, "decider")
            await asyncio.gather(*writing)
        accepted = {wamid for one in people for wamid in one.accepted}
        await pipeline.settled(standing, accepted, seconds=120)
        await merged(standing)
        provider = SimpleNamespace(accepted=accepted)
        await pipeline.assert_nothing_is_wrong(standing, provider)
        await assert_answered_once(standing, accepted)
        for one in people:
            await assert_one_chat(standing, one)
        async with views.opened(standing.settings) as store, asyncio.timeout(60):
            while len(await store.active(script.TENANT, limit=1000)) != PEOPLE:
                await asyncio.sleep(0.2)


async def half_decided(standing: stage.Stage, people: list[Person]) -> None:
    """Wait until more is decided than before; the messages come on meanwhile."""
    before = len(await kafka.facts(standing.settings))
    async with asyncio.timeout(60):
        while len(await kafka.facts(standing.settings)) <= before and not all(
            len(one.accepted) == EACH for one in people
        ):
            await asyncio.sleep(0.05)


async def merged(standing: stage.Stage) -> None:
    """Wait until one chat of each person has joined the other."""
    async with asyncio.timeout(60):
        while True:
            facts = await kafka.facts(standing.settings)
            if sum(isinstance(fact.data, ChatMerged) for fact in facts) == PEOPLE:
                return
            await asyncio.sleep(0.2)


async def assert_answered_once(standing: stage.Stage, accepted: set[str]) -> None:
    facts = [fact.data for fact in await kafka.facts(standing.settings)]
    received = Counter(f.platform_message_id for f in facts if isinstance(f, MessageReceived))
    answered = Counter(f.in_reply_to for f in facts if isinstance(f, ReplyGenerated))
    assert received == answered == Counter(accepted)


async def assert_one_chat(standing: stage.Stage, person: Person) -> None:
    env = environment(standing.settings)
    shown = []
    for named in person.ids:
        words = ["show", f"{script.TENANT}/whatsapp/{named}", "--json", "--limit", "1000"]
        done = await asyncio.to_thread(CliRunner().invoke, app, words, env=env)
        assert done.exit_code == 0, done.output
        shown.append(codec.loads(done.stdout.encode()))
    assert shown[0] == shown[1]
    messages = shown[0]["messages"]
    said = [m["platform_message_id"] for m in messages if m["origin"] == "user"]
    assert sorted(said) == sorted(person.accepted)
    assert len(messages) == 2 * EACH
    assert {m["delivery_status"] for m in messages if m["origin"] == "bot"} <= {
        "sent",
        "delivered",
        "read",
    }
