"""Files go wrong on demand, and only where that is meant."""

from collections.abc import AsyncIterator
from hashlib import sha256

import aiohttp
import pytest

from chatfold import clock
from chatfold.sandbox import Fault, Match, Sandbox, running
from chatfold.sandbox.files import PRIVATE
from chatfold.sandbox.media import File

DATA = b"%PDF-1.7 the whole of it"


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with running(now=clock.now) as opened:
        opened.media.put("M1", File(DATA, "application/pdf"))
        yield opened


async def fetched(box: Sandbox, *, most: int = -1) -> tuple[int, str, bytes, str | None]:
    """Status, MIME and bytes of the file, and where it is said to be instead."""
    url = f"{box.telegram_url}/file/bot12:token/files/M1"
    async with (
        aiohttp.ClientSession() as http,
        http.get(url, allow_redirects=False) as answer,
    ):
        data = await (answer.content.readexactly(most) if most >= 0 else answer.read())
        return answer.status, answer.content_type, data, answer.headers.get("location")


async def test_a_file_comes_as_it_was_put_and_is_recorded(box) -> None:
    assert await fetched(box) == (200, "application/pdf", DATA, None)
    [received] = box.journal.find(method="media")
    assert (received.account, received.reference, received.is_send) == ("12", "M1", False)


async def test_a_file_can_be_another_of_the_same_size_once(box) -> None:
    box.faults.add(Fault(fault="wrong_sha"))
    _, _, data, _ = await fetched(box)
    assert len(data) == len(DATA)
    assert sha256(data).digest() != sha256(DATA).digest()
    assert (await fetched(box))[2] == DATA


async def test_a_file_can_be_called_what_it_is_not(box) -> None:
    box.faults.add(Fault(fault="wrong_mime"))
    assert (await fetched(box))[1:3] == ("text/plain", DATA)


async def test_a_link_expires_once(box) -> None:
    box.faults.add(Fault(fault="expired", match=Match(provider="telegram")))
    assert [(await fetched(box))[0] for _ in range(2)] == [404, 200]


async def test_a_link_can_lead_where_nobody_should_ask(box) -> None:
    box.faults.add(Fault(fault="private_redirect"))
    assert await fetched(box) == (302, "application/octet-stream", b"", PRIVATE)


async def test_a_body_can_go_on_for_as_long_as_it_is_read(box) -> None:
    box.faults.add(Fault(fault="endless"))
    assert len((await fetched(box, most=30_000_000))[2]) == 30_000_000


async def test_the_faults_of_all_requests_befall_files_only_where_that_is_meant(box) -> None:
    box.faults.add(Fault(fault="500", times=None))
    assert (await fetched(box))[0] == 200
    box.faults.add(Fault(fault="503", match=Match(method="media")))
    assert [(await fetched(box))[0] for _ in range(2)] == [503, 200]


async def test_a_file_that_is_handed_over_in_json_goes_wrong_too(box) -> None:
    url = f"{box.evolution_url}/chat/getBase64FromMediaMessage/sales"
    asked = {"message": {"key": {"id": "M1"}}}
    box.faults.add(Fault(fault="expired", match=Match(account="sales")))
    async with aiohttp.ClientSession(headers={"apikey": "k"}) as http:
        answers = []
        for _ in range(2):
            async with http.post(url, json=asked) as answer:
                answers.append(answer.status)
    assert answers == [404, 201]
