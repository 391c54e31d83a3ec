"""Fetch, keep and read files."""

import asyncio
from contextlib import AsyncExitStack

from chatfold import blobs, clock, failpoints, slots, speech, standing
from chatfold.accounts import Accounts
from chatfold.downloads import Addresses, Downloads, networks
from chatfold.files.files import Files
from chatfold.files.readers import Limits as ReaderLimits
from chatfold.files.readers import Readers
from chatfold.ledger import PostgresLeases, new_run_id
from chatfold.models import TenantModels
from chatfold.results import Results
from chatfold.settings import Settings
from chatfold.tenancy import Secrets
from chatfold.tenancy.current import Current
from providers.registry import PROVIDERS
from schemas.topics import Groups, Topics
from streams.agents import media as media_agent


async def run(settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
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
