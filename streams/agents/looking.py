"""Finds out what is in a file that was stored: said, written or to be seen."""

import asyncio
import logging
from dataclasses import dataclass
from hashlib import sha256

from schemas.content import JobKind, StoredMedia, Usage
from schemas.job_failures import JobFailureCode
from schemas.tenants import Models as ModelSettings
from schemas.work import ProcessMedia
from streams.agents.asking import Asking, Call
from streams.agents.media_world import World
from streams.agents.places import Places
from streams.agents.room import Room, Stay
from streams.media import instructions, paying, texts
from streams.media.failures import Failed, failed
from streams.media.reports import Ended, Found
from streams.patience import unless_leaving, until_available
from streams.ports import (
    Document,
    Leaving,
    ModelFailure,
    Unavailable,
    Understood,
    Unreadable,
)

logger = logging.getLogger(__name__)

_NO_MODELS = Failed(JobFailureCode.NOT_CONFIGURED, "The tenant has no models.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """One attempt to find out what is in one file; `whose` account it is."""

    world: World
    places: Places
    room: Room
    asking: Asking
    tenant: str
    job: ProcessMedia
    stored: StoredMedia
    whose: str
    leaving: Leaving

    async def run(self) -> Ended:
        """How it ended; raises `Left`."""
        settings = self.world.model_settings(self.tenant)
        async with self.room.of(self.whose) as stay:
            match self.job.kind:
                case JobKind.EXTRACT:
                    return await self._extracted(settings, stay)
                case JobKind.TRANSCRIBE if settings:
                    return await self._transcribed(settings, stay)
                case JobKind.DESCRIBE if settings:
                    return await self._described(settings, stay)
                case JobKind.TRANSCRIBE | JobKind.DESCRIBE:
                    return _NO_MODELS
                case _:
                    raise TypeError(f"{self.job.kind} is not for the media agent")

    async def _transcribed(self, settings: ModelSettings, stay: Stay) -> Ended:
        base_url = settings.speech_base_url or settings.base_url or ""
        asked = (self.world.hearing,) if self.world.hearing else (settings.speech, base_url)

        async def hear() -> Understood | Failed:
            sound = await self._data(stay)
            return sound if isinstance(sound, Failed) else await self._hear(sound)

        return _told(await self._once(hear, *filter(None, asked)))

    async def _described(self, settings: ModelSettings, stay: Stay) -> Ended:
        async def see() -> Understood | Failed:
            data = await self._data(stay)
            if isinstance(data, Failed):
                return data
            picture = await self.world.files.picture(self.whose, data)
            return await self._see(picture, instructions.DESCRIBE)

        asked = (settings.vision, settings.base_url or "", instructions.DESCRIBE)
        return _told(await self._once(see, *asked))

    async def _extracted(self, settings: ModelSettings | None, stay: Stay) -> Ended:
        data = await self._data(stay)
        if isinstance(data, Failed):
            return data
        document = await self.world.files.document(self.whose, data)
        if isinstance(document, Unreadable):
            return failed(document)
        most = self.world.media(self.tenant).max_pages_seen if settings else 0
        seen: dict[int, str] = {}
        usages: list[Usage] = []
        for number in document.unread[:most] if settings else ():
            looked = await self._page(settings, data, number)
            if isinstance(looked, Failed):
                if looked.retryable or not _has_text(document):
                    return _with(looked, usages)
                logger.info("job %s: page %s: %s", self.job.job_id, number + 1, looked.detail)
                break
            seen[number] = looked.text
            usages.append(looked.usage)
        return Found(
            text=texts.whole(document.texts, seen),
            pages=document.pages,
            pages_seen=len(seen),
            usage=paying.summed(usages),
        )

    async def _page(
        self, settings: ModelSettings | None, data: bytes, number: int
    ) -> Understood | Failed:
        if settings is None:
            return _NO_MODELS

        async def see() -> Understood | Failed:
            picture = await self.world.files.page(self.whose, data, number)
            return await self._see(picture, instructions.READ_PAGE)

        page = f"page {number}"
        asked = (settings.vision, settings.base_url or "", instructions.READ_PAGE, page)
        return await self._once(see, *asked)

    async def _once(self, call: Call, *asked: str) -> Understood | Failed:
        effect_id = paying.effect_id(
            self.job.kind, tenant=self.tenant, sha256=self.stored.sha256, asked=asked
        )
        return await self.asking.once(effect_id, self.job, call, self.leaving)

    async def _hear(self, sound: bytes) -> Understood | Failed:
        mime, models = self.stored.mime, self.world.models
        name = instructions.file_name(mime)
        async with self.places.of(self.tenant, self.leaving):
            self.world.reach("media.before_call")
            heard = await until_available(
                lambda: models.transcribe(self.tenant, sound, name, mime), self.leaving
            )
            self.world.reach("media.after_call")
        return failed(heard) if isinstance(heard, ModelFailure) else heard

    async def _see(self, picture: bytes | Unreadable, instruction: str) -> Understood | Failed:
        if isinstance(picture, Unreadable):
            return failed(picture)
        models = self.world.models
        async with self.places.of(self.tenant, self.leaving):
            self.world.reach("media.before_call")
            seen = await until_available(
                lambda: models.see(self.tenant, [picture], instruction), self.leaving
            )
            self.world.reach("media.after_call")
        return failed(seen) if isinstance(seen, ModelFailure) else seen

    async def _data(self, stay: Stay) -> bytes | Failed:
        """The file out of the storage, if it is still what was stored."""
        await unless_leaving(stay.reserve(self.stored.size), self.leaving)
        try:
            data = await self.world.blobs.get(self.stored.key)
        except Unavailable as error:
            return Failed(JobFailureCode.STORAGE_DOWN, str(error))
        if data is None:
            return Failed(JobFailureCode.STORAGE_DOWN, "the storage has no such file")
        if await asyncio.to_thread(_sha256, data) != self.stored.sha256:
            return Failed(JobFailureCode.CORRUPT, "the stored file is not what was stored")
        return data


def _told(answer: Understood | Failed) -> Ended:
    if isinstance(answer, Failed):
        return answer
    return Found(text=answer.text, language=answer.language, usage=answer.usage)


def _with(why: Failed, usages: list[Usage]) -> Failed:
    """The failure, and what was paid before it."""
    paid = [*usages, why.usage] if why.usage else usages
    return Failed(why.code, why.detail, why.retry_after_seconds, paying.summed(paid))


def _has_text(document: Document) -> bool:
    return any(document.texts)


def _sha256(data: bytes) -> str:
    return sha256(data).hexdigest()
