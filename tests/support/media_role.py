"""The media role for tests, with limits and time-outs that a test may want otherwise."""

import os
from contextlib import AsyncExitStack
from dataclasses import replace

from chatfold import blobs, clock, database, failpoints
from chatfold.accounts import Accounts
from chatfold.downloads import Addresses, Downloads, networks
from chatfold.downloads import Limits as FetchLimits
from chatfold.files.files import Files
from chatfold.files.readers import Limits as ReaderLimits
from chatfold.files.readers import Readers
from chatfold.ledger import PostgresLeases, new_run_id
from chatfold.models import TenantModels
from chatfold.results import Results
from chatfold.settings import Settings
from chatfold.tenancy import Secrets, TenantDirectory
from chatfold.tenancy.current import Current
from providers.registry import PROVIDERS
from schemas.topics import Groups, Topics
from streams.agents import media
from streams.roles import AgentRole


async def media_role(loaded: Settings, stack: AsyncExitStack, log: Results) -> AgentRole:
    names = Topics(loaded.topic_prefix)
    directory = TenantDirectory(loaded.bootstrap, names.tenants)
    await directory.start()
    stack.push_async_callback(directory.stop)
    pool = await database.open_pool(loaded.database, kept=1, extra=3)
    stack.push_async_callback(pool.close)
    leases = PostgresLeases(
        pool,
        loaded.database_schema,
        run_id=new_run_id(clock.now()),
        now=clock.now,
        seconds=float(os.environ.get("TEST_LEASE_SECONDS", "2")),
    )
    secrets = Secrets(os.environ)
    read = float(os.environ.get("TEST_READ_SECONDS", "15"))
    seconds = int(os.environ.get("TEST_READER_SECONDS", "0"))
    readers = Readers(ReaderLimits(readers=2, seconds=seconds or None))
    addresses = Addresses(networks(loaded.media_allowed_networks.split(",")))
    world = media.World(
        providers=PROVIDERS,
        accounts=Accounts(directory, secrets),
        tenants=directory,
        leases=await stack.enter_async_context(leases),
        downloads=await stack.enter_async_context(Downloads(addresses, FetchLimits(read=read))),
        blobs=blobs.opened(loaded.media_url, loaded.home / "media"),
        files=Files(await stack.enter_async_context(readers)),
        models=await stack.enter_async_context(TenantModels(Current(directory, secrets))),
        log=log,
        inbox=names.inbox,
        now=clock.now,
        reach=failpoints.from_environment(),
        most_megabytes=loaded.media_max_megabytes,
    )
    role = media.build(
        world,
        bootstrap=loaded.bootstrap,
        topics=names,
        groups=Groups(loaded.topic_prefix),
        instance=os.environ.get("TEST_INSTANCE"),
    )
    session = float(os.environ.get("TEST_SESSION_SECONDS", "10"))
    role.taken = replace(role.taken, session_timeout=session)
    return role
