"""Models that say what they were given, and note each call where it outlives a crash."""

import asyncio
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from schemas.content import Usage
from schemas.job_failures import JobFailureCode
from streams.ports import ModelFailure, Understood

USAGE = Usage(model="fake", seconds=0.5, tokens_in=100, tokens_out=10, cost_micros=30)


class NotingModels:
    """Writes a line for each call to `path`; what holds `FAIL code` fails with that code."""

    def __init__(self, path: Path, seconds: float = 0.0) -> None:
        self._path = path
        self._seconds = seconds

    async def transcribe(
        self, tenant: str, sound: bytes, file_name: str, mime: str
    ) -> Understood | ModelFailure:
        return await self._answer("transcribe", sound, f"heard {file_name}", "en")

    async def see(
        self, tenant: str, pictures: Sequence[bytes], instruction: str
    ) -> Understood | ModelFailure:
        words = "read" if "page" in instruction else "described"
        return await self._answer(words, b"".join(pictures), words, None)

    async def chat(self, tenant, messages, *, max_tokens, temperature=None, model=None):
        raise AssertionError("the media agent has nothing to say")

    async def _answer(
        self, what: str, data: bytes, words: str, language: str | None
    ) -> Understood | ModelFailure:
        digest = sha256(data).hexdigest()[:12]
        with os.fdopen(os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_WRONLY), "w") as noted:
            noted.write(f"{what} {digest}\n")
        await asyncio.sleep(self._seconds)
        for code in JobFailureCode:
            if f"FAIL {code} ".encode() in data:
                return ModelFailure(code, "as it was told", 3.0, USAGE)
        return Understood(f"{words} {digest}", USAGE, language)


def calls(path: Path) -> list[str]:
    """The calls that were made, each with what it was about."""
    return path.read_text().splitlines() if path.exists() else []
