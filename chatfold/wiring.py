"""Builds every role out of its parts; the only file that knows every class."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import Final, Protocol, TypeVar

from chatfold import (
    blobs,
    clock,
    database,
    dead_letters,
    failpoints,
    limits,
    serving,
    slots,
    speech,
    standing,
    views,
)
from chatfold.accounts import Accounts
from chatfold.api import Api, readiness
from chatfold.api.tokens import tokens
from chatfold.archive import archiver as archiving
from chatfold.downloads import Addresses, Downloads, networks
from chatfold.files.files import Files
from chatfold.files.readers import Limits as ReaderLimits
from chatfold.files.readers import Readers
from chatfold.gateway import Gateway, Limits
from chatfold.http import Http
from chatfold.http import Limits as HttpLimits
from chatfold.ledger import PostgresLeases, PostgresLedger, new_run_id
from chatfold.mail import MailPost
from chatfold.models import TenantModels
from chatfold.operations import Desk, Lists, tables
from chatfold.own_projections import found
from chatfold.policies import Policies
from chatfold.push import PushHttp
from chatfold.refusal import Refusal
from chatfold.results import Results
from chatfold.settings import Settings
from chatfold.tenancy import Register, Secrets
from chatfold.tenancy.current import Current
from projections.consumer import Consumer, Source
from projections.partition import Reading
from projections.postgres import Batch, PostgresSink
from projections.registry import TABLES, TENANTS, Projection, decode_fact
from projections.sink import Bury, DeadLetters, ProjectionRefused
from projections.view_sink import ViewSink
from providers.channels import CHANNELS
from providers.registry import PROVIDERS
from schemas.topics import Groups, Topics
from streams.agents import assistant, lines
from streams.agents import delivery as delivery_agent
from streams.agents import media as media_agent
from streams.decider import Decider
from streams.partition import Deciding, LogGap

T = TypeVar("T")

LOG: Final = logging.getLogger(__name__)

API_CONNECTIONS: Final = 500

Stop = asyncio.Event


class Follower(Protocol):
    """A projection of whatever."""

    def unready(self) -> Sequence[str]:
        """As `Consumer.unready`."""

    async def run(self, stop: asyncio.Event) -> None:
        """As `Consumer.run`."""


Run = Callable[[Settings, Stop, AsyncExitStack], Awaitable[None]]


async def run(role: str, settings: Settings, stop: Stop) -> None:
    """Be `role` until `stop`; raises `Refusal` if something it needs is not as it must be."""
    async with AsyncExitStack() as stack:
        await standing.verify_topics(settings)
        await ROLES[role](settings, stop, stack)


async def gateway(settings: Settings, stop: Stop, stack: AsyncExitStack) -> None:
    """Take webhooks."""
    role = Gateway(
        log=await stack.enter_async_context(standing.event_log(settings)),
        topic=Topics(settings.topic_prefix).inbox,
        directory=await stack.enter_async_context(standing.tenants(settings)),
        secrets=Secrets.from_environment(),
        providers=PROVIDERS,
        limits=Limits(
            body_bytes=settings.max_body_bytes,
            body_seconds=settings.body_timeout_seconds,
            append_seconds=settings.append_timeout_seconds,
            pending_bytes=settings.max_pending_bytes,
        ),
        now=clock.now,
    )
    host, port = settings.gateway_host, settings.gateway_port
    await role.serve(
        serving.listen(host, port, reuse_port=settings.gateway_reuse_port),
        stop,
        drain_seconds=settings.drain_timeout_seconds,
        max_connections=settings.gateway_max_connections,
    )


async def decider(settings: Settings, stop: Stop, stack: AsyncExitStack) -> None:
    """Decide the inbox."""
    directory = await stack.enter_async_context(standing.tenants(settings))
    policies = Policies(directory)
    folder = stack.enter_context(slots.slot(settings.home / "state"))
    role = Decider(
        Deciding(
            bootstrap=settings.bootstrap,
            topics=Topics(settings.topic_prefix),
            group=Groups(settings.topic_prefix).decider,
            instance=standing.instance(folder),
            folder=folder,
            policies=policies.of,
            refresh_policies=directory.catch_up,
            route=policies.tenant_of,
            now=clock.now,
            reach=failpoints.from_environment(),
            window=timedelta(days=settings.dedupe_window_days),
            accept_gap=settings.accept_gap,
        )
    )
    await stack.enter_async_context(standing.observed("decider", settings, role.unready))
    try:
        await role.run(stop)
    except LogGap as gap:
        raise Refusal(str(gap)) from None


async def delivery(settings: Settings, stop: Stop, stack: AsyncExitStack) -> None:
    """Send replies."""
    await standing.verify_database(settings)
    directory = await stack.enter_async_context(standing.tenants(settings))
    pool = await stack.enter_async_context(standing.pool(settings))
    ledger = PostgresLedger(
        pool, settings.database_schema, run_id=new_run_id(clock.now()), now=clock.now
    )
    http = Http(HttpLimits(connections=lines.SENDS))
    topics_of = Topics(settings.topic_prefix)
    world = delivery_agent.World(
        channels=CHANNELS,
        accounts=Accounts(directory, Secrets.from_environment()),
        ledger=await stack.enter_async_context(ledger),
        http=PushHttp(await stack.enter_async_context(http), clock.now),
        mail=MailPost(clock.now),
        log=Results(await stack.enter_async_context(standing.event_log(settings))),
        inbox=topics_of.inbox,
        now=clock.now,
        reach=failpoints.from_environment(),
        limiter=await stack.enter_async_context(
            limits.opened(settings.views, settings.view_prefix)
        ),
    )
    folder = stack.enter_context(slots.slot(settings.home / "delivery"))
    role = delivery_agent.build(
        world,
        bootstrap=settings.bootstrap,
        topics=topics_of,
        groups=Groups(settings.topic_prefix),
        instance=standing.instance(folder),
    )
    await stack.enter_async_context(standing.observed("delivery", settings, role.unready))
    await role.run(stop)


async def reply(settings: Settings, stop: Stop, stack: AsyncExitStack) -> None:
    """Find what replies need: answers of models, and to handlers' questions."""
    await standing.verify_database(settings)
    names = Topics(settings.topic_prefix)
    store = await stack.enter_async_context(views.opened(settings))
    directory = await stack.enter_async_context(standing.tenants(settings))
    current = Current(directory, Secrets.from_environment())
    pool = await stack.enter_async_context(standing.pool(settings))
    ledger = PostgresLedger(
        pool, settings.database_schema, run_id=new_run_id(clock.now()), now=clock.now
    )
    world = assistant.World(
        tenants=current,
        models=await stack.enter_async_context(TenantModels(current)),
        ledger=await stack.enter_async_context(ledger),
        log=Results(await stack.enter_async_context(standing.event_log(settings))),
        inbox=names.inbox,
        now=clock.now,
        reach=failpoints.from_environment(),
    )
    role = assistant.build(
        world,
        views.Stats(store),
        bootstrap=settings.bootstrap,
        topics=names,
        groups=Groups(settings.topic_prefix),
        instance=standing.instance(stack.enter_context(slots.slot(settings.home / "reply"))),
    )
    await stack.enter_async_context(standing.observed("reply", settings, role.unready))
    await role.run(stop)


async def media(settings: Settings, stop: Stop, stack: AsyncExitStack) -> None:
    """Fetch, keep and read files."""
    await standing.verify_database(settings)
    files = blobs.opened(settings.media_url, settings.home / "media")
    directory = await stack.enter_async_context(standing.tenants(settings))
    pool = await stack.enter_async_context(standing.pool(settings))
    leases = PostgresLeases(
        pool, settings.database_schema, run_id=new_run_id(clock.now()), now=clock.now
    )
    addresses = Addresses(networks(settings.media_allowed_networks.split(",")))
    readers = Readers(ReaderLimits(readers=settings.media_readers))
    secrets = Secrets.from_environment()
    models = await stack.enter_async_context(TenantModels(Current(directory, secrets)))
    heard = speech.opened(models, settings.speech_model) if settings.speech_model else None
    names = Topics(settings.topic_prefix)
    world = media_agent.World(
        providers=PROVIDERS,
        accounts=Accounts(directory, secrets),
        tenants=directory,
        leases=await stack.enter_async_context(leases),
        downloads=await stack.enter_async_context(Downloads(addresses)),
        blobs=files,
        files=Files(await stack.enter_async_context(readers)),
        models=heard or models,
        log=Results(await stack.enter_async_context(standing.event_log(settings))),
        inbox=names.inbox,
        now=clock.now,
        reach=failpoints.from_environment(),
        most_megabytes=settings.media_max_megabytes,
        hearing=heard.name if heard else None,
    )
    role = media_agent.build(
        world,
        bootstrap=settings.bootstrap,
        topics=names,
        groups=Groups(settings.topic_prefix),
        instance=standing.instance(stack.enter_context(slots.slot(settings.home / "media-agent"))),
    )
    await stack.enter_async_context(standing.observed("media", settings, role.unready))
    await role.run(stop)


async def projector(settings: Settings, stop: Stop, stack: AsyncExitStack) -> None:
    """Fold facts and tenants into tables."""
    await standing.verify_database(settings)
    pool = await stack.enter_async_context(standing.pool(settings))
    instance = standing.instance(stack.enter_context(slots.slot(settings.home / "projector")))
    log = await stack.enter_async_context(standing.event_log(settings))
    bury = dead_letters.bury(log, Topics(settings.topic_prefix).dead_letters)
    consumers: list[Follower] = [
        _tables(settings, pool, TABLES, instance, bury),
        _tables(settings, pool, TENANTS, instance, bury),
        *(_tables(settings, pool, own, instance, bury) for own in found(settings.projections)),
    ]

    def unready() -> Sequence[str]:
        return [reason for consumer in consumers for reason in consumer.unready()]

    await stack.enter_async_context(standing.observed("projector", settings, unready))
    with _refusing_projections():
        async with asyncio.TaskGroup() as group:
            for consumer in consumers:
                group.create_task(consumer.run(stop))


async def active_views(settings: Settings, stop: Stop, stack: AsyncExitStack) -> None:
    """Fold facts into the views of active conversations."""
    store = await stack.enter_async_context(views.opened(settings))
    lifetime = timedelta(hours=settings.view_ttl_hours)
    reach = failpoints.from_environment()
    sink = ViewSink(store, lifetime, clock=clock.now, reach=reach)
    reading = Reading(projection="views", decode=decode_fact, sink=sink, clock=clock.now)
    instance = standing.instance(stack.enter_context(slots.slot(settings.home / "views")))
    topic = Topics(settings.topic_prefix).events
    role = Consumer(reading, _source(settings, topic, "views", instance))
    await stack.enter_async_context(standing.observed("views", settings, role.unready))
    with _refusing_projections():
        await role.run(stop)


async def archiver(settings: Settings, stop: Stop, stack: AsyncExitStack) -> None:
    """Copy the log to the archive."""
    names = Topics(settings.topic_prefix)
    role = archiving.Archiver(
        archiving.Archiving(
            bootstrap=settings.bootstrap,
            topics=(names.inbox, names.events),
            group=Groups(settings.topic_prefix).archiver,
            instance=standing.instance(stack.enter_context(slots.slot(settings.home / "archiver"))),
            index=standing.archive(settings),
            segment_bytes=settings.archive_segment_bytes,
            segment_age=timedelta(seconds=settings.archive_segment_seconds),
            accept_gap=settings.archive_accept_gap,
            now=clock.now,
            reach=failpoints.from_environment(),
        )
    )
    await stack.enter_async_context(standing.observed("archiver", settings, role.unready))
    await role.run(stop)


async def api(settings: Settings, stop: Stop, stack: AsyncExitStack) -> None:
    """Answer operators."""
    secrets = Secrets.from_environment()
    known = tokens(settings.api_token, settings.api_tokens, secrets)
    await standing.verify_database(settings)
    log = await stack.enter_async_context(standing.event_log(settings))
    reading = tables.of_pool(
        await stack.enter_async_context(standing.pool(settings)), settings.database_schema
    )
    desk = Desk(
        lists=Lists(reading),
        log=log,
        topic=Topics(settings.topic_prefix).inbox,
        append_seconds=settings.append_timeout_seconds,
        now=clock.now,
    )
    directory = await stack.enter_async_context(standing.tenants(settings))
    register = Register(
        directory=directory,
        log=log,
        topic=Topics(settings.topic_prefix).tenants,
        secrets=secrets,
        channels=CHANNELS,
        append_seconds=settings.append_timeout_seconds,
        now=clock.now,
    )
    unready = readiness(log, reading, directory)
    await Api(desk=desk, register=register, tokens=known, unready=unready).serve(
        serving.listen(settings.api_host, settings.api_port),
        stop,
        drain_seconds=settings.drain_timeout_seconds,
        max_connections=API_CONNECTIONS,
    )


def _tables(
    settings: Settings,
    pool: database.Pool,
    projection: Projection[T],
    instance: str,
    bury: Bury,
) -> Consumer[T, Batch]:
    reach = failpoints.from_environment()
    sink = PostgresSink(pool, settings.database_schema, projection, reach=reach)
    reading = Reading(
        projection=projection.name,
        decode=projection.decode,
        sink=sink,
        clock=clock.now,
        dead_letters=DeadLetters(store=sink, bury=bury),
    )
    topic = projection.topic(Topics(settings.topic_prefix))
    return Consumer(reading, _source(settings, topic, projection.name, instance))


def _source(settings: Settings, topic: str, projection: str, instance: str) -> Source:
    group = Groups(settings.topic_prefix).projection(projection)
    return Source(bootstrap=settings.bootstrap, topic=topic, group=group, instance=instance)


@contextmanager
def _refusing_projections() -> Iterator[None]:
    try:
        yield
    except* ProjectionRefused as refused:
        raise Refusal(str(refused.exceptions[0])) from None


ROLES: Final = MappingProxyType[str, Run](
    {
        "gateway": gateway,
        "decider": decider,
        "delivery": delivery,
        "reply": reply,
        "media": media,
        "projector": projector,
        "views": active_views,
        "archiver": archiver,
        "api": api,
    }
)
