"""Words are found wherever they were said, written or seen, by command and by HTTP alike."""

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path
from random import Random
from urllib.parse import unquote, urlsplit

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from chatfold import blobs, clock
from chatfold.cli.everything import app
from chatfold.settings import Settings
from schemas import identity
from schemas.content import Content, Media, MessageKind, StoredMedia
from schemas.envelope import Recorded
from schemas.facts import (
    Fact,
    MediaDescribed,
    MediaStored,
    MediaTextExtracted,
    MediaTranscribed,
    MessageDeleted,
    MessageReceived,
)
from tests.support import facts, servers
from tests.support.filled import ask, fill
from tests.support.operating import run, serving_api

TENANT = "tenant-0"


class Told:
    """A chat in which things were said, minutes ago."""

    def __init__(self, number: int, tenant: str = TENANT) -> None:
        story = facts.ChatStory(tenant, number, Random(number))
        self.chat_id = story.chat_id
        first = story.tell(1)[:4]
        started = clock.now() - timedelta(hours=1)
        self.log: list[Recorded[Fact]] = [
            replace(one, time=started, sequence=n) for n, one in enumerate(first, 1)
        ]
        self.said = next(one for one in first if isinstance(one.data, MessageReceived)).data

    def tell(self, fact: Fact, **time: float) -> None:
        last = self.log[-1]
        self.log.append(
            replace(
                last,
                data=fact,
                sequence=last.sequence + 1,
                time=last.time + timedelta(**(time or {"seconds": 1})),
            )
        )

    def say(self, name: str, content: Content, **time: float) -> str:
        """Somebody writes; the id of the message."""
        message_id = identity.message_id(chat=self.chat_id, platform_message_id=name)
        said = {"message_id": message_id, "platform_message_id": name, "number": len(self.log)}
        self.tell(replace(self.said, **said, content=content), **time)
        return message_id

    def text(self, name: str, words: str, **time: float) -> str:
        return self.say(name, Content(kind=MessageKind.TEXT, text=words), **time)

    def file(self, name: str, kind: MessageKind, **media: str) -> str:
        caption = media.pop("caption", None)
        held = Media(reference=f"media-{name}", **media)
        return self.say(name, Content(kind=kind, media=held, caption=caption))


def known(job: str) -> dict:
    return {"job_id": identity.derive(job), "attempt": 1}


@pytest.fixture
def told() -> Told:
    """A voice note, a document, a picture and texts."""
    chat = Told(1)
    voice = chat.file("voice", MessageKind.VOICE)
    chat.tell(
        MediaTranscribed(
            **known("t"), message_id=voice, text="Please check the Überweisung", language="en"
        )
    )
    paper = chat.file("paper", MessageKind.DOCUMENT, file_name="invoice-7.pdf", caption="as agreed")
    chat.tell(
        MediaTextExtracted(
            **known("e"),
            message_id=paper,
            text="Terms. " * 500 + "The total is 512 euros, payable in hippopotamus. " + "End " * 9,
            pages=9,
            pages_seen=0,
        )
    )
    picture = chat.file("picture", MessageKind.IMAGE, caption="Look at my garden")
    chat.tell(MediaDescribed(**known("d"), message_id=picture, text="A red barn by a lake"))
    chat.text("plain", "The barn is sold, says the invoice")
    return chat


async def fields(settings: Settings, *words: str) -> list[list[str]]:
    """Of each hit the fields, in their order."""
    return [[one["field"] for one in hit["found"]] for hit in await run(settings, "search", *words)]


async def test_a_word_is_found_in_whatever_it_was_said_and_the_field_is_named(settings, told):
    await fill(settings, told.log)
    wanted = {
        "überweisung": ["transcript"],
        "hippopotamus": ["extracted"],
        "garden": ["caption"],
        "invoice-7.pdf": ["file_name"],
        "lake": ["image_description"],
        "sold": ["text"],
    }
    for word, field in wanted.items():
        assert await fields(settings, word) == [field], word
    assert await fields(settings, "garden lake") == [["caption", "image_description"]]
    assert await fields(settings, "agreed hippopotamus -garden") == [["caption", "extracted"]]
    assert await fields(settings, "nowhere") == []
    assert await fields(settings, " -garden") == []
    assert await fields(settings, '"red barn"') == [["image_description"]]


async def test_what_was_written_comes_before_what_was_seen(settings, told):
    await fill(settings, told.log)
    assert await fields(settings, "barn") == [["text"], ["image_description"]]
    ranks = [one["rank"] for one in await run(settings, "search", "barn")]
    assert ranks == sorted(ranks, reverse=True)


async def test_a_snippet_shows_the_words_among_others_and_marks_only_them(settings, told):
    await fill(settings, told.log)
    [hit] = await run(settings, "search", "hippopotamus")
    [found] = hit["found"]
    assert [p["text"] for p in found["snippet"] if p["is_match"]] == ["hippopotamus"]
    whole = "".join(part["text"] for part in found["snippet"])
    assert "payable in hippopotamus" in whole
    assert len(whole) < 400


async def test_nothing_in_the_words_means_more_than_itself(settings, told):
    chat = told
    chat.text("odd", "a\x02b <b>bold</b> 'quoted' \\ % _ StartSel=x,")
    await fill(settings, chat.log)
    odd = ("'", "\\", "a & | ! ( ) <-> :*", '"', "x' OR '1'='1", "StartSel=x,", "🍣", " - -")
    for words in odd:
        await run(settings, "search", words)
    [hit] = await run(settings, "search", "quoted")
    parts = hit["found"][0]["snippet"]
    assert [part["text"] for part in parts if part["is_match"]] == ["quoted"]


async def test_a_search_can_be_narrowed_to_tenant_chat_and_time(settings, told):
    other, foreign = Told(2), Told(3, "tenant-1")
    for chat in (other, foreign):
        chat.text("early", "the barn again")
        chat.text("late", "the barn once more", minutes=30)
    await fill(settings, [*told.log, *other.log, *foreign.log])

    async def count(*options: str) -> int:
        return len(await run(settings, "search", "barn", *options))

    assert await count() == 6
    assert await count("--tenant", TENANT) == 4
    assert await count("--tenant", "tenant-1") == 2
    assert await count("--chat", other.chat_id) == 2
    assert await count("--since", "45m") == 2
    assert await count("--until", "45m") == 4
    assert await count("--limit", "3") == 3


async def test_what_was_taken_back_is_not_found(settings, told):
    message_id = told.text("secret", "my password is swordfish")
    told.tell(
        MessageDeleted(
            message_id=message_id,
            platform_message_id="secret",
            source_id="delete.1",
            action="recorded",
        )
    )
    await fill(settings, told.log)
    assert await run(settings, "search", "swordfish") == []


async def test_the_api_finds_the_same(settings, told):
    await fill(settings, told.log)
    async with serving_api(settings) as alice:
        found = (await alice.get(f"/v1/search?q=barn&chat_id={told.chat_id}"))["hits"]
    assert found == await run(settings, "search", "barn")


async def test_what_is_found_is_shown_and_cannot_command_the_terminal(settings, told):
    told.text("evil", "a barn [red]\x1b[2J")
    await fill(settings, told.log)
    env = servers.environment(settings) | {"COLUMNS": "200"}
    done = await asyncio.to_thread(CliRunner().invoke, app, ["search", "barn"], env=env)
    assert done.exit_code == 0
    assert "image_description: A red barn by a lake" in done.stdout
    assert "[red]" in done.stdout
    assert "\x1b[2J" not in done.stdout


async def test_the_longest_and_strangest_document_can_be_stored_and_searched(settings, told):
    """Each hyphenated word is kept three times over; all are different, of four bytes a letter."""
    letters = [chr(0x20000 + n) for n in range(300)]
    pairs = itertools.product(letters, repeat=2)
    words = " ".join(f"{a}{b}-{b}{a}" for a, b in itertools.islice(pairs, 60_000))
    message_id = told.file("strange", MessageKind.DOCUMENT, caption=words[:70_000])
    told.tell(MediaTranscribed(**known("s"), message_id=message_id, text=words, language=None))
    told.tell(
        MediaTextExtracted(
            **known("x"), message_id=message_id, text=words[::-1], pages=1, pages_seen=0
        )
    )
    await fill(settings, told.log)
    [row] = await ask(
        settings, "SELECT length(search) AS count FROM messages WHERE message_id = $1", message_id
    )
    assert row["count"] > 10_000
    assert len(await run(settings, "search", words[:5])) == 1


async def test_a_file_is_shown_in_its_chat_with_what_was_found_in_it(settings, told):
    voice = identity.message_id(chat=told.chat_id, platform_message_id="voice")
    stored = StoredMedia(key="ab/cd", sha256="abcd", mime="audio/ogg", size=4_096)
    told.tell(MediaStored(**known("f"), message_id=voice, stored=stored))
    await fill(settings, told.log)
    shown = await run(settings, "chats", "show", told.chat_id)
    [message] = [one for one in shown["messages"] if one["message_id"] == voice]
    assert (message["media_key"], message["media_mime"]) == ("ab/cd", "audio/ogg")
    assert message["media_transcript"] == "Please check the Überweisung"
    env = servers.environment(settings) | {"COLUMNS": "300"}
    arguments = ["chats", "show", told.chat_id]
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=env)
    assert "[audio/ogg, 4 kB] ⏎ says: Please check the Überweisung" in done.stdout
    assert "shows: A red barn by a lake" in done.stdout


async def test_a_file_is_read_by_a_link_from_the_command_and_from_the_api(settings, told):
    voice = identity.message_id(chat=told.chat_id, platform_message_id="voice")
    storage = blobs.opened(settings.media_url, settings.home / "media")
    key = await storage.put(TENANT, b"opus", "audio/ogg")
    stored = StoredMedia(key=key, sha256="abcd", mime="audio/ogg", size=4)
    told.tell(MediaStored(**known("f"), message_id=voice, stored=stored))
    await fill(settings, told.log)
    by_command = await run(settings, "chats", "file", voice)
    async with serving_api(settings) as alice:
        by_http = await alice.get(f"/v1/messages/{voice}/file")
    assert Path(unquote(urlsplit(by_http["url"]).path)).read_bytes() == b"opus"
    assert by_command["url"] == by_http["url"]
    assert (by_http["mime"], by_http["size"], by_http["thumbnail_url"]) == ("audio/ogg", 4, None)


async def test_of_a_message_without_a_file_there_is_no_link(settings, told):
    await fill(settings, told.log)
    text = identity.message_id(chat=told.chat_id, platform_message_id="nothing")
    await run(settings, "chats", "file", text, code=1)
