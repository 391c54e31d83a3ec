"""The calls themselves, each once: what is asked, and what came back."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType
from typing import Final, cast

import httpx2
from openai import AsyncOpenAI, omit
from openai.types.chat import ChatCompletionMessageParam

from chatfold.models import failures, usage
from chatfold.models.answers import Gathered
from providers.reading import clean, mapping, text
from schemas import codec
from schemas.content import Json
from schemas.job_failures import JobFailureCode
from schemas.tenants import Price
from streams.ports import ModelFailure, Understood

REST_SECONDS: Final = 1.0
"""For what comes when the answer is whole: the usage, and the end, so that the connection serves
again."""

_SUFFIXES: Final = MappingProxyType(
    {
        "audio/ogg": ".ogg",
        "audio/opus": ".ogg",
        "audio/mpeg": ".mp3",
        "audio/mp3": ".mp3",
        "audio/mp4": ".m4a",
        "audio/x-m4a": ".m4a",
        "audio/aac": ".m4a",
        "audio/flac": ".flac",
        "audio/x-flac": ".flac",
        "audio/wav": ".wav",
        "audio/x-wav": ".wav",
        "audio/webm": ".webm",
        "video/webm": ".webm",
        "video/mp4": ".mp4",
    }
)
"""Services tell a sound's format by its name, and refuse the endings they do not know."""

_PICTURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A chat completion to ask for."""

    model: str
    messages: Sequence[Json]
    limit: Mapping[str, int]
    temperature: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording to write down."""

    model: str
    sound: bytes
    file_name: str
    mime: str


async def complete(
    client: AsyncOpenAI, asked: Completion, gathered: Gathered, timeout: httpx2.Timeout
) -> None:
    """Gather the streamed answer; raises what the client raises.

    The stream is read here: the client's own reading costs ten times as much for each token,
    and takes whatever comes for an event.
    """
    temperature = omit if asked.temperature is None else asked.temperature
    async with client.chat.completions.with_streaming_response.create(
        model=asked.model,
        messages=cast(list[ChatCompletionMessageParam], asked.messages),
        temperature=temperature,
        stream=True,
        stream_options={"include_usage": True},
        extra_body=dict(asked.limit),
        timeout=timeout,
    ) as response:
        await _read(response.iter_lines(), gathered)


async def _read(lines: AsyncIterator[str], gathered: Gathered) -> None:
    loop = asyncio.get_running_loop()
    with suppress(TimeoutError):
        async with asyncio.timeout(None) as patience:
            await gathered.read(lines, lambda: patience.reschedule(loop.time() + REST_SECONDS))
            while gathered.finish is not None and await anext(lines, None) is not None:
                pass


async def transcribe(
    client: AsyncOpenAI, asked: Recording, timeout: httpx2.Timeout
) -> Json | ModelFailure:
    """The JSON of a transcription; raises what the client raises."""
    verbose = "whisper" in asked.model  # the only family that tells language and length
    response = await client.audio.transcriptions.with_raw_response.create(
        model=asked.model,
        file=(sound_name(asked.file_name, asked.mime), asked.sound, asked.mime),
        response_format="verbose_json" if verbose else "json",
        timeout=timeout,
    )
    try:
        answer = mapping(codec.loads(response.content))
    except ValueError as error:
        return failures.failure(JobFailureCode.MALFORMED_ANSWER, f"no JSON: {error}")
    if not isinstance(answer.get("text"), str):
        return failures.failure(JobFailureCode.MALFORMED_ANSWER, "it tells no text")
    return answer


def understood(model: str, seconds: float, answer: Json, prices: Mapping[str, Price]) -> Understood:
    """What a transcription says."""
    return Understood(
        clean(str(answer["text"])).strip(),
        usage.of_speech(model, seconds, answer, prices),
        text(answer.get("language")),
    )


def sound_name(file_name: str, mime: str) -> str:
    """A name that shows what the sound is; people's own names for their files are nobody's."""
    known = _SUFFIXES.get(mime.partition(";")[0].strip().lower())
    return f"sound{known or PurePath(file_name).suffix[:8]}"


def showing(instruction: str, pictures: Sequence[bytes]) -> Json | ModelFailure:
    """A message that shows pictures."""
    parts: list[Json] = [{"type": "text", "text": instruction}]
    for picture in pictures:
        mime = next((mime for start, mime in _PICTURES if picture.startswith(start)), None)
        if mime is None:
            return failures.failure(JobFailureCode.UNSUPPORTED, "no PNG, JPEG, GIF or WebP")
        url = f"data:{mime};base64,{b64encode(picture).decode()}"
        parts.append({"type": "image_url", "image_url": {"url": url}})
    return {"role": "user", "content": parts}
