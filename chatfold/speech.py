"""Recordings understood here, by a faster-whisper model, instead of by the tenants' services.

It needs the extra `chatfold[speech]` and a model's folder; nothing is downloaded. One recording
at a time: a model takes all the cores that it gets.
"""

import asyncio
import io
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol, cast

from chatfold.refusal import Refusal
from schemas.content import Usage
from schemas.job_failures import JobFailureCode
from streams.ports import ModelFailure, Models, Said, Understood

MODEL_FILE: Final = "model.bin"
LONGEST_SECONDS: Final = 600.0
_BEAM: Final = 5


class Segment(Protocol):
    """A part of what is said."""

    text: str


class Told(Protocol):
    """What is known of a recording."""

    language: str


class Whisper(Protocol):
    """The part of `faster_whisper.WhisperModel` that is used."""

    def transcribe(
        self, audio: io.BytesIO, *, beam_size: int, vad_filter: bool
    ) -> tuple[Sequence[Segment], Told]:
        """The segments, made as they are asked for, and what is known of the whole."""


class LocalSpeech:
    """`models`, but for recordings, which are understood here."""

    def __init__(self, models: Models, whisper: Whisper, name: str) -> None:
        self._models = models
        self._whisper = whisper
        self._alone = asyncio.Semaphore(1)
        self.name = name

    async def transcribe(
        self,
        tenant: str,  # noqa: ARG002  # a port
        sound: bytes,
        file_name: str,  # noqa: ARG002
        mime: str,  # noqa: ARG002
    ) -> Understood | ModelFailure:
        """What is said in a recording."""
        async with self._alone:
            began = perf_counter()
            try:
                async with asyncio.timeout(LONGEST_SECONDS):
                    text, language = await asyncio.to_thread(self._hear, sound)
            except TimeoutError:
                detail = f"it takes longer than {LONGEST_SECONDS} s"
                return ModelFailure(JobFailureCode.TIMED_OUT, detail)
            except Exception as error:  # noqa: BLE001  # the decoder raises what a broken file makes
                return ModelFailure(JobFailureCode.UNREADABLE, f"no sound to understand: {error!r}")
        usage = Usage(model=self.name, seconds=perf_counter() - began, cost_micros=0)
        return Understood(text, usage, language)

    async def see(
        self, tenant: str, pictures: Sequence[bytes], instruction: str
    ) -> Understood | ModelFailure:
        """What the tenant's model says of pictures."""
        return await self._models.see(tenant, pictures, instruction)

    async def chat(
        self,
        tenant: str,
        messages: Sequence[Said],
        *,
        max_tokens: int,
        temperature: float | None = None,
        model: str | None = None,
    ) -> Understood | ModelFailure:
        """What the tenant's model answers."""
        return await self._models.chat(
            tenant, messages, max_tokens=max_tokens, temperature=temperature, model=model
        )

    def _hear(self, sound: bytes) -> tuple[str, str]:
        segments, told = self._whisper.transcribe(
            io.BytesIO(sound), beam_size=_BEAM, vad_filter=False
        )
        return " ".join(one.text.strip() for one in segments), told.language


def opened(models: Models, folder: Path) -> LocalSpeech:
    """`models` with the speech model in `folder`; raises `Refusal` if it cannot be loaded."""
    if not (folder / MODEL_FILE).is_file():
        raise Refusal(f"CHATFOLD_SPEECH_MODEL: {folder} holds no {MODEL_FILE} of a model")
    try:
        library = import_module("faster_whisper")
    except ImportError:
        raise Refusal(
            "CHATFOLD_SPEECH_MODEL needs the extra: pip install 'chatfold[speech]'"
        ) from None
    try:
        loaded = library.WhisperModel(str(folder), local_files_only=True)
    except (RuntimeError, ValueError, OSError) as error:
        raise Refusal(f"CHATFOLD_SPEECH_MODEL: {folder} cannot be loaded: {error}") from None
    return LocalSpeech(models, cast(Whisper, loaded), f"local/{folder.name}")
