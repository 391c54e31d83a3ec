"""What `verify` holds views to, in Valkey and in files, while they change."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chatfold.rebuilding import targets, verify
from chatfold.settings import Settings
from projections import json_files, redis
from projections.active_chat import ActiveChat
from projections.view_store import Chat, kept
from schemas import codec
from tests.support import facts, projecting, rebuilding, viewing
from tests.support.commands import run
from tests.support.poison import Grave
from tests.support.viewing import WAYS


@pytest.fixture(params=["valkey", "json files"])
def stored(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    return settings if request.param == "valkey" else viewing.in_files(settings)


async def live(settings: Settings, log: list, **broken: Any) -> None:
    """Views that have followed the log to its end."""
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with projecting.viewing(settings, Grave().bury, **broken) as (_, store):
        await viewing.caught_up(settings, store)


async def verified(settings: Settings, build: str = "live", **sample: object) -> verify.Verified:
    async with targets.opened(settings, "views") as target:
        chosen = verify.Sample(**sample)
        (told,) = await verify.verify(target, build, chosen, limit=3, stop=asyncio.Event())
        return told


class Hand:
    """Changes what is stored, past every writer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def put(self, chat: Chat, view: ActiveChat) -> None:
        """Let the chat have this view."""
        if self._settings.views.startswith("file:"):
            file = {"kept": kept(view), "view": view}
            path = self._path(chat)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(codec.dumps(file))
            return
        client = redis.connect(self._settings.views)
        await client.set(self._key("chat", chat), codec.dumps(view))
        person = {"seq": view.seq, "kept": codec.dumps(kept(view))}
        await client.hset(self._key("person", chat), mapping=person)
        await client.aclose()

    async def remove(self, chat: Chat) -> None:
        """Let nothing be known of the chat."""
        if self._settings.views.startswith("file:"):
            self._path(chat).unlink()
            return
        client = redis.connect(self._settings.views)
        await client.delete(self._key("chat", chat), self._key("person", chat))
        await client.aclose()

    def _key(self, what: str, chat: Chat) -> str:
        return ":".join((f"{self._settings.view_prefix}:v2:v1:{what}", *chat))

    def _path(self, chat: Chat) -> Path:
        home = json_files.folder(self._settings.views, self._settings.view_prefix)
        return home / "builds" / "v1" / "chats" / chat[0] / f"{chat[1]}.json"


async def test_views_are_verified_while_they_change(stored: Settings) -> None:
    log = projecting.recently(facts.log(341, chats=25, facts=4000))
    await live(stored, log[:1500])
    async with projecting.viewing(stored) as (_, store):
        appending, found = asyncio.create_task(projecting.append(stored, log[1500:], seed=1)), []
        while not appending.done():
            found.append(await verified(stored))
        await appending
        await viewing.caught_up(stored, store)
    assert {one.wrong for one in found} == {0}
    whole = await verified(stored)
    assert whole.wrong == 0
    assert whole.rows >= len(projecting.folded(log)) > 0
    assert 0 < (await verified(stored, percent=30.0)).rows < whole.rows
    (_, chat_id), *_ = projecting.folded(log)
    assert (await verified(stored, chat=chat_id)).rows == 1


async def test_a_view_that_was_changed_by_hand_is_found_and_named(stored: Settings) -> None:
    log = projecting.recently(facts.log(342, chats=9, facts=900))
    await live(stored, log)
    chat, view = _last(log)
    forged = codec.loads(
        codec.dumps(view).replace(
            b'"seq":', b'"mode":{"name":"forged","until":"2030-01-01T00:00:00Z"},"seq":', 1
        )
    )
    await Hand(stored).put(chat, codec.decode(ActiveChat, codec.dumps(forged)))
    (told,) = await run(stored, "projections", "verify", "views", code=1)
    assert (told["table"], told["wrong"]) == ("views", 1)
    (example,) = told["examples"]
    assert example["key"] == {"tenant_id": chat[0], "chat_id": chat[1]}
    assert set(example["columns"]) == {"mode"}
    assert (await verified(stored, chat=chat[1])).wrong == 1
    other = next(chat_id for _, chat_id in projecting.folded(log) if chat_id != chat[1])
    assert (await verified(stored, chat=other)).wrong == 0


def _last(log: list) -> tuple[Chat, ActiveChat]:
    found = {chat: view for chat, view in projecting.folded(log).items() if view.mode is None}
    return list(found.items())[-1]


async def test_views_that_lack_facts_are_gone_or_of_nobody_are_wrong(stored: Settings) -> None:
    log = projecting.recently(facts.log(343, chats=9, facts=900))
    await live(stored, log)
    hand, views = Hand(stored), projecting.folded(log)
    behind, gone, *_ = views
    of_chat = [one for one in log if (one.tenant, one.chat_id) == behind]
    await hand.put(behind, projecting.folded(of_chat[: len(of_chat) // 2])[behind])
    await hand.remove(gone)
    nobody = ("tenant-0", "nobody")
    await hand.put(
        nobody, ActiveChat(tenant=nobody[0], chat_id=nobody[1], seq=3, last_activity=log[-1].time)
    )
    told = await verified(stored)
    assert told.wrong == 3
    found = {one.key["chat_id"]: one.only_in for one in told.examples}
    assert found == {behind[1]: None, gone[1]: "second", nobody[1]: "first"}


@pytest.mark.parametrize("way", WAYS)
async def test_views_beside_which_facts_wait_are_verified_without_them(
    stored: Settings, way: str
) -> None:
    log = projecting.recently(facts.log(344, chats=6, facts=600))
    victim = log[300]
    await live(stored, log, **WAYS[way](lambda fact_id: fact_id == victim.id))
    assert len(await run(stored, "dead-letters", "list", "--waiting")) == 1
    assert (await verified(stored)).wrong == 0
    await run(stored, "dead-letters", "replay", "--all")
    assert (await verified(stored)).wrong == 0


async def test_a_build_is_verified_before_it_is_promoted(stored: Settings) -> None:
    log = projecting.recently(facts.log(345, chats=9, facts=600))
    await live(stored, log[:400])
    await rebuilding.rebuild(stored, "views")
    await rebuilding.rebuild(stored, "views", into="one", tenant="tenant-1")
    await projecting.append(stored, log[400:], seed=1)
    whole, part = await verified(stored, "v2"), await verified(stored, "one")
    assert (whole.wrong, part.wrong) == (0, 0)
    assert 0 < part.rows < whole.rows
