"""Fetches a message's file from its provider, and keeps it."""

import asyncio
import logging
from dataclasses import dataclass
from hashlib import sha256

from providers.failures import SendFailure
from providers.protocol import Fetched, Provider
from schemas.content import StoredMedia
from schemas.job_failures import JobFailureCode
from schemas.work import ProcessMedia
from streams.agents import metrics
from streams.agents.media_world import World
from streams.agents.places import Places
from streams.agents.room import Room, Stay
from streams.media import checks
from streams.media.failures import Failed, failed
from streams.media.reports import Ended, Found
from streams.patience import unless_leaving
from streams.ports import Access, Leaving, NotConnected, Unanswered, Unavailable, Unreadable, Unsafe

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """One attempt to store one file; `whose` account it is."""

    world: World
    places: Places
    room: Room
    tenant: str
    job: ProcessMedia
    whose: str
    leaving: Leaving

    async def run(self, access: Access | None) -> Ended:
        """How it ended; raises `Left`."""
        job, world = self.job, self.world
        provider = world.providers.get(job.provider)
        if provider is None or access is None:
            detail = f"Nobody has configured {job.provider} account {job.account}."
            return Failed(JobFailureCode.NOT_CONFIGURED, detail)
        if access.missing:
            detail = f"The account lacks {', '.join(sorted(access.missing))}."
            return Failed(JobFailureCode.NOT_CONFIGURED, detail)
        most = world.most_bytes(self.tenant)
        if refused := checks.announced(job.media, most):
            return refused
        async with self.room.of(self.whose) as stay:
            fetched = await self._fetched(provider, access, most, stay)
            return fetched if isinstance(fetched, Failed) else await self._kept(fetched, most)

    async def _fetched(
        self, provider: Provider, access: Access, most: int, stay: Stay
    ) -> Fetched | Failed:
        async def reserve(count: int) -> None:
            await unless_leaving(stay.reserve(count), self.leaving)

        base_url = access.account.base_url
        exchange = provider.fetch_media(self.job.media, access.credentials, base_url, most)
        async with self.places.of(self.whose, self.leaving):
            with metrics.FETCH_SECONDS.labels(provider.name).time():
                ended = await self.world.downloads.fetch(exchange, base_url, reserve)
        match ended:
            case SendFailure() | NotConnected() | Unanswered() | Unsafe():
                return failed(ended)
            case _:
                return ended

    async def _kept(self, fetched: Fetched, most: int) -> Ended:
        data, world = fetched.data, self.world
        digest = await asyncio.to_thread(_sha256, data)
        if refused := checks.came(self.job.media, len(data), digest, most):
            return refused
        mime = world.files.mime(data, self.job.media.mime or fetched.mime)
        thumbnail = await self._thumbnail(data, mime)
        world.reach("media.before_store")
        try:
            key = await world.blobs.put(self.tenant, data, mime)
            small = (
                await world.blobs.put(self.tenant, thumbnail, "image/jpeg") if thumbnail else None
            )
        except Unavailable as error:
            return Failed(JobFailureCode.STORAGE_DOWN, str(error))
        world.reach("media.after_store")
        metrics.STORED_BYTES.labels(self.job.provider).observe(len(data))
        return Found(
            stored=StoredMedia(
                key=key, sha256=digest, mime=mime, size=len(data), thumbnail_key=small
            )
        )

    async def _thumbnail(self, data: bytes, mime: str) -> bytes | None:
        """A small picture of what can be shown; a file without one is kept all the same."""
        if not (mime.startswith("image/") or mime == "application/pdf"):
            return None
        made = await self.world.files.thumbnail(self.whose, data, mime)
        if isinstance(made, Unreadable):
            metrics.THUMBNAILS.labels(made.code).inc()
            logger.info("job %s has no thumbnail: %s", self.job.job_id, made.detail)
            return None
        metrics.THUMBNAILS.labels("").inc()
        return made


def _sha256(data: bytes) -> str:
    return sha256(data).hexdigest()
