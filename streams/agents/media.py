"""The media agent: fetches and stores each message's file, and finds out what is in it.

An order is one attempt, whose report goes to `inbox`; when to try again is the decider's. To
fetch and store again is harmless, as the same bytes are kept once; what a model is asked is in
the ledger, so that the same bytes are paid for once.
"""

import asyncio
import logging
from time import perf_counter
from typing import Final

from schemas import identity
from schemas.content import JobKind
from schemas.envelope import Recorded
from schemas.inputs import JobReported
from schemas.job_failures import JobFailureCode
from schemas.topics import Groups, Topics
from schemas.work import Order, ProcessMedia
from streams.agents import metrics
from streams.agents.asking import Asking
from streams.agents.looking import Looking
from streams.agents.media_world import World
from streams.agents.places import Places
from streams.agents.room import Room
from streams.agents.storing import Storing
from streams.agents.telling import Telling
from streams.agents.unread import UnreadJobs
from streams.apps import Consumption
from streams.media.failures import Failed
from streams.media.reports import Ended, reported
from streams.patience import until_available
from streams.ports import Access, Leaving
from streams.roles import AgentRole
from streams.window import HELD, Left

__all__ = ["Media", "World", "build"]

logger = logging.getLogger(__name__)

SOURCE: Final = "/chatfold/agent/media"

DOWNLOADS: Final = 256
ACCOUNT_DOWNLOADS: Final = 64
CALLS: Final = 256
TENANT_CALLS: Final = 64
"""Each waits for somebody else; memory is bounded apart from that, by `Room`."""

_BROKEN: Final = Failed(
    JobFailureCode.MALFORMED_ANSWER, "The agent broke on this file; its log has the error."
)


def build(
    world: World,
    *,
    bootstrap: str,
    topics: Topics,
    groups: Groups,
    instance: str | None = None,
) -> AgentRole:
    """The role that processes files, as the group's member `instance`."""
    consumption = Consumption(
        name="media",
        bootstrap=bootstrap,
        topic=topics.work_media,
        group=groups.media,
        dead_letters=topics.dead_letters,
        instance=instance,
        limit=HELD,  # all may wait for their turn at once; `Places` and `Room` bound the rest
    )
    agent = Media(world).handle
    unread = UnreadJobs(_telling(world))
    return AgentRole(taken=consumption, agent=agent, log=world.log, now=world.now, unread=unread)


class Media:
    """Handles the orders of `work.media`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._room = Room()
        self._asking = Asking(world)
        self._downloads = Places("downloads", most=DOWNLOADS, share=ACCOUNT_DOWNLOADS)
        self._calls = Places("models", most=CALLS, share=TENANT_CALLS)

    async def handle(self, order: Recorded[Order], leaving: Leaving) -> None:
        """Return when the report is in the log; raises `Left`."""
        job = order.data
        if not isinstance(job, ProcessMedia):
            raise TypeError(f"{job.type} is not for the media agent")
        started_at, began = self._world.now(), perf_counter()
        access = await self._access(order, job, leaving) if job.kind is JobKind.STORE else None
        report = reported(
            job,
            await self._ended(order, job, access, leaving),
            started_at=started_at,
            finished_at=self._world.now(),
            secrets=access.credentials.values() if access else (),
        )
        metrics.MEDIA_JOBS.labels(job.kind, report.error_code or "").inc()
        metrics.MEDIA_SECONDS.labels(job.kind).observe(perf_counter() - began)
        await self._tell(order, report, leaving)

    async def _access(
        self, order: Recorded[Order], job: ProcessMedia, leaving: Leaving
    ) -> Access | None:
        accounts = self._world.accounts
        return await until_available(
            lambda: accounts.access(
                tenant=order.tenant, provider=job.provider, account=job.account
            ),
            leaving,
        )

    async def _ended(
        self, order: Recorded[Order], job: ProcessMedia, access: Access | None, leaving: Leaving
    ) -> Ended:
        whose = f"{order.tenant}/{job.provider}/{job.account}"
        try:
            if job.kind is JobKind.STORE:
                return await self._storing(order.tenant, job, whose, leaving).run(access)
            return await self._looking(order.tenant, job, whose, leaving).run()
        except (Left, asyncio.CancelledError):
            raise
        except Exception:  # a bug, of ours or of a library: the chat goes on without
            logger.exception("job %s of chat %s broke", job.job_id, order.chat_id)
            return _BROKEN

    def _storing(self, tenant: str, job: ProcessMedia, whose: str, leaving: Leaving) -> Storing:
        return Storing(
            world=self._world,
            places=self._downloads,
            room=self._room,
            tenant=tenant,
            job=job,
            whose=whose,
            leaving=leaving,
        )

    def _looking(self, tenant: str, job: ProcessMedia, whose: str, leaving: Leaving) -> Looking:
        if job.stored is None:
            raise TypeError(f"job {job.job_id} names no stored file")
        return Looking(
            world=self._world,
            places=self._calls,
            room=self._room,
            asking=self._asking,
            tenant=tenant,
            job=job,
            stored=job.stored,
            whose=whose,
            leaving=leaving,
        )

    async def _tell(self, order: Recorded[Order], report: JobReported, leaving: Leaving) -> None:
        """Append the report; another of the same attempt has the same id."""
        world = self._world
        own_id = identity.job_report_id(job=report.job_id, attempt=report.attempt)
        world.reach("media.before_report")
        await _telling(world).tell(order, own_id, report, leaving)
        world.reach("media.after_report")
        _log(order, report)


def _telling(world: World) -> Telling:
    return Telling(log=world.log, inbox=world.inbox, source=SOURCE, now=world.now)


def _log(order: Recorded[Order], report: JobReported) -> None:
    logger.info(
        "job %s ended: %s",
        report.job_id,
        report.error_code or "done",
        extra={
            "event_id": order.id,
            "chat_id": order.chat_id,
            "caused_by": order.causation_id,
            "tenant": order.tenant,
        },
    )
