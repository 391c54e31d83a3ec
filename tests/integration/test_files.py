"""Files are looked into by processes that may die of them; ours goes on."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatfold.files.files import Files
from chatfold.files.readers import Limits, Reader, Readers
from chatfold.files.tasks import Picture, Refused
from schemas.job_failures import JobFailureCode
from streams.ports import Document, Unreadable
from tests.support import made_files


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    async with Readers(Limits(readers=2, seconds=3)) as opened:
        yield opened


@pytest.fixture
async def files(readers: Readers) -> Files:
    return Files(readers)


async def test_pictures_and_first_pages_have_a_small_jpeg(files: Files) -> None:
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"):
        made = await files.thumbnail("a", made_files.picture(kind, width=2000), f"image/{kind}")
        assert isinstance(made, bytes), kind
        assert made.startswith(b"\xff\xd8\xff")
        assert len(made) < 20_000
    page = await files.thumbnail("a", made_files.pdf("Hello"), "application/pdf")
    assert isinstance(page, bytes)


async def test_a_document_is_read_page_by_page_and_scans_are_told_apart(files: Files) -> None:
    photo = made_files.picture("JPEG")
    found = await files.document("a", made_files.pdf("Typed words", photo, None, "7"))
    assert found == Document(("Typed words", "", "", "7"), (1,), 4)
    seen = await files.page("a", made_files.pdf("Typed words", photo), 1)
    assert isinstance(seen, bytes)
    assert len(seen) > 10_000
    assert isinstance(await files.page("a", made_files.pdf("x"), 1), Unreadable)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (made_files.pdf("x", encrypted=True), JobFailureCode.ENCRYPTED),
        (made_files.pdf("x")[:90], JobFailureCode.UNREADABLE),
        (b"%PDF-1.4", JobFailureCode.UNREADABLE),
        (b"", JobFailureCode.UNREADABLE),
        (os.urandom(1000), JobFailureCode.UNREADABLE),
        (made_files.pdf(), JobFailureCode.UNREADABLE),
    ],
)
async def test_a_document_that_cannot_be_read_says_why(files: Files, data, code) -> None:
    found = await files.document("a", data)
    assert isinstance(found, Unreadable)
    assert found.code is code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (made_files.png_bomb(), JobFailureCode.TOO_LARGE),
        (made_files.png_bomb(8_000, 8_000), JobFailureCode.UNREADABLE),
        (made_files.picture("JPEG")[:900], JobFailureCode.UNREADABLE),
        (b"", JobFailureCode.UNSUPPORTED),
        (made_files.voice(0.1), JobFailureCode.UNSUPPORTED),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", JobFailureCode.UNSUPPORTED),
    ],
)
async def test_a_picture_that_cannot_be_shown_says_why(files: Files, data, code) -> None:
    found = await files.picture("a", data)
    assert isinstance(found, Unreadable)
    assert found.code is code


async def test_a_reader_that_is_killed_costs_its_file_only(readers: Readers) -> None:
    [reader] = readers._idle
    asking = asyncio.create_task(readers.ask("a", Picture(edge=10), b"x" * 30_000_000))
    os.kill(reader._process.pid, signal.SIGKILL)
    told = await asking
    assert isinstance(told, Refused)
    assert told.code is JobFailureCode.UNREADABLE
    assert "died" in told.detail
    photo = made_files.picture()
    assert isinstance(await Files(readers).picture("a", photo), bytes)


async def test_a_frozen_reader_is_ended_in_time(readers: Readers) -> None:
    [reader] = readers._idle
    os.kill(reader._process.pid, signal.SIGSTOP)
    async with asyncio.timeout(10):
        told = await readers.ask("a", Picture(edge=10), b"x")
    assert isinstance(told, Refused)
    assert "3 s" in told.detail
    assert reader._process.returncode == -signal.SIGKILL


async def test_a_reader_has_its_bound_of_memory() -> None:
    async with Readers(Limits(readers=2, seconds=10, memory=400_000_000)) as small:
        told = await Files(small).picture("a", made_files.picture(width=9_000, height=7_000))
    assert isinstance(told, Unreadable)
    assert told.code in {JobFailureCode.TOO_LARGE, JobFailureCode.UNREADABLE}


async def test_one_account_leaves_a_reader_to_the_others() -> None:
    photo = made_files.picture()
    async with Readers(Limits(readers=2, seconds=30)) as readers:
        [reader] = readers._idle
        os.kill(reader._process.pid, signal.SIGSTOP)
        busy = [asyncio.create_task(Files(readers).picture("busy", photo)) for _ in range(5)]
        while readers._idle:
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            assert isinstance(await Files(readers).picture("other", photo), bytes)
        assert not any(one.done() for one in busy)
        os.kill(reader._process.pid, signal.SIGCONT)
        assert all(isinstance(one, bytes) for one in await asyncio.gather(*busy))


async def test_a_reader_has_none_of_our_secrets(
    monkeypatch: pytest.MonkeyPatch, readers: Readers
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-s3cr3t")
    reader = await Reader.started(10, 1_500_000_000)
    try:
        told = Path(f"/proc/{reader._process.pid}/environ").read_bytes()
        assert b"s3cr3t" not in told
    finally:
        await reader.end()
