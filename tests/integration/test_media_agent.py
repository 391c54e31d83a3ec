"""The media agent as a process, on real Kafka and PostgreSQL, with files as people send them."""

import asyncio
import signal
import urllib.request
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from chatfold.sandbox import Fault, Match
from chatfold.settings import Settings
from schemas import envelope
from schemas.content import JobKind, StoredMedia
from schemas.dead_letters import REASON
from schemas.topics import Topics
from tests.support import agents, kafka, made_files, media, roles
from tests.support.media import Scene, staged
from tests.support.roles import Process


@pytest.fixture
async def scene(settings: Settings, tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(settings, tmp_path / "agent.log") as ready:
        yield ready


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()


MADE = {
    "voice": (made_files.voice(), "audio/ogg; codecs=opus", "audio/ogg", False),
    "photo": (made_files.picture("JPEG"), "image/jpeg", "image/jpeg", True),
    "sticker": (made_files.picture("WEBP"), "image/webp", "image/webp", True),
    "text": (made_files.pdf("Hello"), "application/pdf", "application/pdf", True),
    "scanned": (made_files.scanned_pdf(), "application/pdf", "application/pdf", True),
    "encrypted": (
        made_files.pdf("x", encrypted=True),
        "application/pdf",
        "application/pdf",
        False,
    ),
    "bomb": (made_files.png_bomb(), "image/png", "image/png", False),
    "polyglot": (made_files.polyglot(), "application/pdf", "image/gif", True),
    "damaged": (made_files.pdf("Hello")[:80], "application/pdf", "application/pdf", False),
    "cut": (made_files.picture("JPEG")[:900], "image/jpeg", "image/jpeg", False),
    "lie": (made_files.pdf("Hello"), "image/jpeg", "application/pdf", True),
    "page": (b"<html><script>alert(1)</script>", "image/png", "text/html", False),
    "noise": (bytes(range(7, 250)), "image/png", "application/octet-stream", False),
    "large": (b"%PDF-1.4\n" + b"x" * 30_000_000, None, "application/pdf", False),
}


async def test_each_file_is_kept_as_what_its_content_is_and_none_ends_the_agent(
    scene: Scene,
) -> None:
    orders = [
        media.order(chat, 0, reference=scene.put(name, data), mime=told)
        for chat, (name, (data, told, _, _)) in enumerate(MADE.items())
    ]
    with roles.running(agent := scene.agent()):
        told = await scene.told(orders)
        assert not agent.ended
    for (name, (data, _, mime, is_shown)), report in zip(MADE.items(), told, strict=True):
        assert report.error_code is None, (name, report)
        stored = report.stored
        assert stored is not None
        found = (stored.mime, stored.sha256, stored.size)
        assert found == (mime, digest(data), len(data)), name
        assert await scene.files.get(stored.key) == data
        assert (stored.thumbnail_key is not None) == is_shown, name
        if stored.thumbnail_key:
            assert (await scene.files.get(stored.thumbnail_key) or b"")[:3] == b"\xff\xd8\xff"


async def test_the_same_bytes_are_kept_once_whoever_sends_them(scene: Scene) -> None:
    name = scene.put("same", made_files.picture())
    orders = [
        media.order(chat, 0, reference=name, provider=provider)
        for chat, provider in enumerate(["whatsapp_cloud", "telegram", "whatsapp_cloud"])
    ]
    with roles.running(scene.agent()):
        told = await scene.told(orders)
        assert {one.error_code for one in told} == {None}
        written = {one: one.stat().st_mtime_ns for one in scene.kept}
        assert len(written) == 2  # the picture and its thumbnail
        await scene.told([media.order(9, 0, reference=name)])
    assert {one: one.stat().st_mtime_ns for one in scene.kept} == written
    assert len({one.stored for one in told}) == 1


async def test_what_is_not_kept_says_why(settings: Settings, tmp_path: Path) -> None:
    async with staged(settings, tmp_path / "agent.log", max_megabytes=1.0) as scene:
        wrong = digest(b"something else")
        large = scene.put("large", b"x" * 1_000_001)
        odd = {"account": media.ODD}
        orders = {
            "empty": media.order(1, 0, reference=scene.put("empty", b"")),
            "too_large": media.order(2, 0, reference=large),
            "announced": media.order(3, 0, reference="500", size=1_000_001),
            "corrupt": media.order(4, 0, reference="500", sha256=wrong),
            "nobody": media.order(5, 0, account="nobody"),
            "nothing": media.order(6, 0, tenant="unknown"),
            "endless": media.order(7, 0, reference="endless", **odd),
            "redirect": media.order(8, 0, reference="redirect", **odd),
            "private": media.order(9, 0, reference="private", **odd),
            "foreign": media.order(10, 0, reference="foreign", **odd),
            "dead": media.order(11, 0, reference="dead", **odd),
            "cut": media.order(12, 0, reference="cut", **odd),
            "throttled": media.order(13, 0, reference="throttled", **odd),
            "broken": media.order(14, 0, reference="broken", **odd),
            "slow": media.order(15, 0, reference="slow", **odd),
            "inside": media.order(16, 0, reference="https://127.0.0.1/a", provider="instagram"),
        }
        with roles.running(scene.agent(TEST_READ_SECONDS="2")):
            told = dict(zip(orders, await scene.told(list(orders.values())), strict=True))
        assert scene.odd.sent < 20_000_000
        assert scene.kept == []
        said = scene.log.read_text() + str(told)
    found = {name: (one.error_code, one.retryable) for name, one in told.items()}
    assert found == {
        "empty": ("empty", False),
        "too_large": ("too_large", False),
        "announced": ("too_large", False),
        "corrupt": ("corrupt", True),
        "nobody": ("not_configured", False),
        "nothing": ("not_configured", False),
        "endless": ("too_large", False),
        "redirect": ("refused", False),
        "private": ("unsafe_address", False),
        "foreign": ("unsafe_address", False),
        "dead": ("media_unavailable", False),
        "cut": ("unreachable", True),
        "throttled": ("throttled", True),
        "broken": ("service_down", True),
        "slow": ("timed_out", True),
        "inside": ("refused", False),
    }
    assert told["throttled"].retry_after_seconds == 7
    assert all(one.error_message for one in told.values())
    assert not any(token in said for token in agents.TOKENS.values())


async def test_a_dead_link_is_asked_for_once_more(scene: Scene) -> None:
    with roles.running(scene.agent()):
        [told] = await scene.told([media.order(1, 0, reference="dead-once", account=media.ODD)])
    assert told.stored is not None
    assert scene.odd.asked == {"where dead-once": 2, "file dead-once": 2}


async def test_a_slow_file_delays_no_other_chat(scene: Scene) -> None:
    slow = [media.order(chat, 0, reference="slow", account=media.ODD) for chat in range(20)]
    behind = [media.order(0, 1, reference="quick", account=media.ODD)]
    others = [media.order(chat, 0, reference="quick", account=media.ODD) for chat in range(20, 80)]
    with roles.running(scene.agent(TEST_READ_SECONDS="60")):
        await media.produce(scene.settings, [*slow, *behind])
        await scene.told(others)
        assert scene.odd.asked["file quick"] == len(others)
        scene.odd.release.set()
        told = await media.reported(scene.settings, [*slow, *behind])
    assert {one.error_code for one in told.values()} == {None}


async def test_a_slow_model_delays_no_other_chat(scene: Scene) -> None:
    files = [await stored(scene, made_files.voice() + b"%d" % chat, SOUND) for chat in range(40)]
    for chat in range(4):
        data = made_files.voice() + b"%d" % chat
        scene.box.sayings.put(digest(data), f"slow {chat}")
    match = Match(method="transcribe", text="slow")
    scene.box.faults.add(Fault(fault="slow", match=match, times=None, delay=18))
    orders = [media.order(chat, 0, kind=TRANSCRIBE, stored=file) for chat, file in enumerate(files)]
    with roles.running(scene.agent()):
        await media.produce(scene.settings, orders)
        told = await media.reported(scene.settings, orders[4:])
        assert not {one.data.job_id for one in orders[:4]} & {job for job, _ in told}
        slow = await media.reported(scene.settings, orders[:4])
    assert {one.error_code for one in (*told.values(), *slow.values())} == {None}


async def test_a_link_that_leads_inside_is_not_followed(scene: Scene) -> None:
    link = f"{scene.box.url}/instagram/cdn/{scene.put('voice', made_files.voice())}?signature=AYe"
    match = Match(provider="instagram", method="media")
    scene.box.faults.add(Fault(fault="private_redirect", match=match))
    orders = [media.order(1, number, reference=link, provider="instagram") for number in (0, 1)]
    with roles.running(scene.agent()):
        refused, kept = await scene.told(orders)
    assert (refused.error_code, refused.retryable) == ("unsafe_address", False)
    assert kept.stored is not None
    assert "signature" not in str(refused) + scene.log.read_text()


async def test_an_order_of_another_kind_becomes_a_dead_letter(scene: Scene) -> None:
    names = Topics(scene.settings.topic_prefix)
    record = envelope.encode(agents.order(1, 0))
    await kafka.produce(scene.settings, names.work_media, [record])
    with roles.running(scene.agent()):
        await scene.told([media.order(1, 1)])
    [letter] = await kafka.read_all(scene.settings, names.dead_letters)
    assert b"media agent" in dict(letter.headers)[REASON]


async def stored(scene: Scene, data: bytes, mime: str) -> StoredMedia:
    key = await scene.files.put(media.TENANT, data, mime)
    return StoredMedia(key=key, sha256=digest(data), mime=mime, size=len(data))


PDF, SOUND, JPEG = "application/pdf", "audio/ogg", "image/jpeg"
TRANSCRIBE, EXTRACT, DESCRIBE = JobKind.TRANSCRIBE, JobKind.EXTRACT, JobKind.DESCRIBE


async def test_what_is_in_a_file_is_found_or_it_is_said_why_not(scene: Scene) -> None:
    photo = made_files.picture("JPEG")
    asked = {
        "voice": (TRANSCRIBE, made_files.voice(), SOUND),
        "mute": (TRANSCRIBE, b"mute", SOUND),
        "busy": (TRANSCRIBE, b"busy", SOUND),
        "text": (EXTRACT, made_files.pdf("First words", "Second words"), PDF),
        "scanned": (EXTRACT, made_files.scanned_pdf("red", "blue"), PDF),
        "mixed": (EXTRACT, made_files.pdf("Typed words", photo, None), PDF),
        "blank": (EXTRACT, made_files.pdf(None), PDF),
        "encrypted": (EXTRACT, made_files.pdf("x", encrypted=True), PDF),
        "damaged": (EXTRACT, made_files.pdf("x")[:80], PDF),
        "photo": (DESCRIBE, photo, JPEG),
        "bomb": (DESCRIBE, made_files.png_bomb(), "image/png"),
        "svg": (DESCRIBE, b"<svg/>", "image/svg+xml"),
    }
    for name, (_, data, _) in asked.items():
        scene.box.sayings.put(digest(data), f"{name} was heard")
    for name, kind in {"mute": "400", "busy": "429"}.items():
        match = Match(method="transcribe", text=name)
        scene.box.faults.add(Fault(fault=kind, match=match, times=None, retry_after=3))
    orders = [
        media.order(chat, 0, kind=kind, stored=await stored(scene, data, mime))
        for chat, (kind, data, mime) in enumerate(asked.values())
    ]
    with roles.running(agent := scene.agent()):
        told = dict(zip(asked, await scene.told(orders), strict=True))
        assert not agent.ended
    codes = {name: one.error_code for name, one in told.items() if one.error_code}
    assert codes == {
        "mute": "refused",
        "busy": "throttled",
        "encrypted": "encrypted",
        "damaged": "unreadable",
        "bomb": "too_large",
        "svg": "unsupported",
    }
    assert told["voice"].text == "voice was heard"
    assert told["busy"].retryable
    assert told["busy"].retry_after_seconds == 3
    assert told["text"].text == "First words\n\nSecond words"
    assert (told["text"].pages, told["text"].pages_seen, told["text"].usage) == (2, 0, None)
    assert (told["scanned"].pages, told["scanned"].pages_seen) == (2, 2)
    assert told["scanned"].usage is not None
    assert str(told["mixed"].text).startswith("Typed words\n\n")
    assert (told["mixed"].pages, told["mixed"].pages_seen) == (3, 1)
    assert (told["blank"].text, told["blank"].pages_seen) == ("", 0)
    assert told["photo"].text
    assert len(scene.calls) == 5
    assert "s3cr3t" not in scene.log.read_text() + str(told)


async def test_the_same_bytes_are_paid_for_once(scene: Scene) -> None:
    voice = await stored(scene, made_files.voice(), SOUND)
    scan = await stored(scene, made_files.scanned_pdf("red", "blue"), PDF)
    scene.box.faults.add(Fault(fault="slow", delay=0.3, times=3))
    orders = [
        media.order(chat, number, kind=kind, stored=file)
        for chat in range(10)
        for number, (kind, file) in enumerate([(TRANSCRIBE, voice), (EXTRACT, scan)])
    ]
    with roles.running(scene.agent()):
        told = await scene.told(orders)
    assert len(scene.calls) == 3
    assert {one.error_code for one in told} == {None}
    assert len({one.text for one in told}) == 2
    usages = [one.usage for one in told if one.usage]
    assert [one.reused for one in usages].count(False) == 2
    assert not any(one.tokens_in or one.cost_micros for one in usages if one.reused)
    with roles.running(scene.agent()):
        [again] = await scene.told([media.order(99, 0, kind=TRANSCRIBE, stored=voice)])
    assert again.usage is not None
    assert again.usage.reused
    assert len(scene.calls) == 3


async def test_a_page_that_was_seen_is_not_paid_for_again_when_the_next_failed(
    scene: Scene,
) -> None:
    scan = await stored(scene, made_files.scanned_pdf("red", "blue"), PDF)
    scene.box.faults.add(Fault(fault="slow", delay=0.0, match=Match(method="see")))
    scene.box.faults.add(Fault(fault="500", match=Match(method="see")))
    with roles.running(scene.agent()):
        [failed] = await scene.told([media.order(1, 0, kind=EXTRACT, stored=scan)])
        assert (failed.error_code, failed.retryable) == ("service_down", True)
        assert failed.usage is not None
        [read] = await scene.told([media.order(1, 0, kind=EXTRACT, stored=scan, attempt=2)])
    assert (read.error_code, read.pages_seen, len(scene.calls)) == (None, 2, 2)


async def test_what_the_storage_has_lost_or_spoilt_is_told(scene: Scene) -> None:
    lost = await stored(scene, b"lost", SOUND)
    spoilt = await stored(scene, b"spoilt", SOUND)
    (scene.settings.home / "media" / lost.key).unlink()
    (scene.settings.home / "media" / spoilt.key).write_bytes(b"spoilT")
    orders = [
        media.order(chat, 0, kind=TRANSCRIBE, stored=file)
        for chat, file in enumerate((lost, spoilt))
    ]
    with roles.running(scene.agent()):
        told = await scene.told(orders)
    assert [(one.error_code, one.retryable) for one in told] == [
        ("storage_down", True),
        ("corrupt", True),
    ]
    assert scene.calls == []


async def test_the_role_is_put_together_and_tells_how_it_does(scene: Scene) -> None:
    chosen = scene.settings.model_copy(update={"media_allowed_networks": "127.0.0.0/8"})
    env = agents.TOKENS | media.SECRETS
    voice = await stored(scene, made_files.voice(), SOUND)
    with roles.running(role := Process("media", chosen, scene.log, **env)):
        await asyncio.to_thread(role.wait_ready)
        told = await scene.told(
            [media.order(1, 0), media.order(2, 0, kind=TRANSCRIBE, stored=voice)]
        )
        url = f"http://127.0.0.1:{role.port}/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            metrics = answer.read().decode()
        await asyncio.to_thread(role.kill, signal.SIGTERM)
        assert role.wait_ended() == 0
    assert [one.error_code for one in told] == [None, None]
    assert 'chatfold_media_jobs_total{code="",kind="store"} 1.0' in metrics
    assert 'chatfold_media_jobs_total{code="",kind="transcribe"} 1.0' in metrics
