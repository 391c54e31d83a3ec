"""The sandbox's model service speaks as OpenAI's, and says what a test wants."""

from collections.abc import AsyncIterator
from hashlib import sha256

import aiohttp
import pytest

from chatfold import clock
from chatfold.sandbox import Fault, Sandbox, running
from schemas import codec

ASKED = {
    "model": "gpt-4o-mini",
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "<message from='x'>Is it &lt;open&gt;?</message>"},
    ],
}


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with running(now=clock.now) as opened:
        yield opened


async def post(box: Sandbox, path: str, key: str = "acme:sk-1", **given: object) -> tuple:
    """Status, headers and body of an answer."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{box.models_url}/{path}", **given) as answer,
    ):
        return answer.status, answer.headers, await answer.read()


async def complete(box: Sandbox, **changes: object) -> dict:
    _, _, body = await post(box, "chat/completions", json=ASKED | changes)
    return codec.loads(body)


async def test_a_conversation_is_answered_whole_and_in_pieces(box) -> None:
    whole = (await complete(box))["choices"][0]
    assert whole["message"]["content"] == (
        "Answer 1 to 2 messages, the last of which says: Is it <open>?"
    )
    assert whole["finish_reason"] == "stop"
    wanted = ASKED | {"stream": True, "stream_options": {"include_usage": True}}
    _, headers, body = await post(box, "chat/completions", json=wanted)
    assert headers["content-type"].startswith("text/event-stream")
    events = [one.removeprefix(b"data: ") for one in body.strip().split(b"\n\n")]
    assert events.pop() == b"[DONE]"
    *chunks, last, usage = [codec.loads(one) for one in events]
    said = "".join(one["choices"][0]["delta"].get("content", "") for one in chunks)
    assert said == "Answer 2 to 2 messages, the last of which says: Is it <open>?"
    assert last["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == len(said.split())


async def test_a_summary_is_called_one(box) -> None:
    told = [{"role": "system", "content": "Sum up."}, *ASKED["messages"][1:]]
    answer = await complete(box, messages=told)
    assert answer["choices"][0]["message"]["content"].startswith("Summary 1")
    box.sayings.answer("open", "From 7 to 18.")
    answer = await complete(box, messages=told)
    assert answer["choices"][0]["message"]["content"].startswith("Summary 2")
    box.sayings.answer("Sum up", "They asked when it is open.")
    answer = await complete(box, messages=told)
    assert answer["choices"][0]["message"]["content"] == "They asked when it is open."


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_no_more_is_said_than_is_asked_for(box, name: str) -> None:
    [choice] = (await complete(box, **{name: 2}))["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Answer 1", "length")


@pytest.mark.parametrize(
    ("key", "changes", "status", "code"),
    [
        ("", {}, 401, "invalid_api_key"),
        ("acme:expired", {}, 401, "invalid_api_key"),
        ("acme:sk", {"model": "gpt-missing"}, 404, "model_not_found"),
        ("acme:sk", {"messages": []}, 400, None),
    ],
)
async def test_what_is_wrong_is_refused_in_openais_words(
    box, key: str, changes: dict, status: int, code: str | None
) -> None:
    got, _, body = await post(box, "chat/completions", key, json=ASKED | changes)
    assert (got, codec.loads(body)["error"]["code"]) == (status, code)


async def test_it_says_what_it_is_told_to(box) -> None:
    async with aiohttp.ClientSession() as http:
        for saying in (
            {"to": "open", "say": "From 7 to 18."},
            {"sha256": sha256(b"sound").hexdigest(), "say": "hello"},
        ):
            async with http.post(f"{box.url}/_sandbox/sayings", json=saying) as put:
                assert put.status == 204
        for wrong in ({}, {"say": "x"}, {"to": "a", "sha256": "b", "say": "c"}):
            async with http.post(f"{box.url}/_sandbox/sayings", json=wrong) as refused:
                assert refused.status == 400
    assert (await complete(box))["choices"][0]["message"]["content"] == "From 7 to 18."
    form = aiohttp.FormData({"model": "whisper-1"})
    form.add_field("file", b"sound", filename="a.ogg", content_type="audio/ogg")
    _, _, body = await post(box, "audio/transcriptions", data=form)
    assert codec.loads(body)["text"] == "hello"


async def test_what_is_heard_is_made_of_the_bytes(box) -> None:
    assert box.sayings.of(b"one") == box.sayings.of(b"one") != box.sayings.of(b"two")


async def test_requests_are_recorded_without_their_pictures(box) -> None:
    url = "data:image/png;base64,iVBORw0KGgo="
    parts = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}]
    await complete(box, messages=[{"role": "user", "content": parts}])
    [received] = box.journal.find(provider="openai", account="acme", method="see", to="gpt-4o-mini")
    assert received.text == "what?"
    assert "iVBOR" not in str(received.body)
    assert received.accepted
    assert not received.is_send


async def test_its_faults_befall_models_only(box) -> None:
    box.faults.add(Fault(fault="quota"))
    url = f"{box.whatsapp_url}/1555/messages"
    body = {"messaging_product": "whatsapp", "to": "5", "text": {"body": "hi"}}
    async with (
        aiohttp.ClientSession(headers={"authorization": "Bearer x"}) as http,
        http.post(url, json=body) as answer,
    ):
        assert answer.status == 200
    assert (await complete(box))["error"]["code"] == "insufficient_quota"
