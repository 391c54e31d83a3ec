"""`python -m tests.support.agent_role delivery|reply|media`: an agent as a process of its own.

Takes what a test may want otherwise from variables: the consumer's lasting name, time-outs.
"""

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import replace

import uvloop

from chatfold import blobs, clock, database, ending, failpoints, limits, settings, telemetry
from chatfold.accounts import Accounts
from chatfold.downloads import Addresses, Downloads, networks
from chatfold.downloads import Limits as FetchLimits
from chatfold.eventlog import EventLog
from chatfold.files.files import Files
from chatfold.files.readers import Limits as ReaderLimits
from chatfold.files.readers import Readers
from chatfold.http import Http, Limits
from chatfold.ledger import PostgresLeases, PostgresLedger, new_run_id
from chatfold.mail import MailPost
from chatfold.models import TenantModels
from chatfold.push import PushHttp
from chatfold.results import Results
from chatfold.settings import Settings
from chatfold.tenancy import Secrets, TenantDirectory
from chatfold.tenancy.current import Current
from providers.channels import CHANNELS
from providers.registry import PROVIDERS
from schemas.topics import Groups, Topics
from streams.agents import delivery, media
from streams.roles import AgentRole
from tests.support.reply_role import reply_role


async def delivery_role(loaded: Settings, stack: AsyncExitStack, log: Results) -> AgentRole:
    names = Topics(loaded.topic_prefix)
    directory = TenantDirectory(loaded.bootstrap, names.tenants)
    await directory.start()
    stack.push_async_callback(directory.stop)
    pool = await database.open_pool(loaded.database, kept=1, extra=3)
    stack.push_async_callback(pool.close)
    ledger = PostgresLedger(
        pool, loaded.database_schema, run_id=new_run_id(clock.now()), now=clock.now
    )
    total = float(os.environ.get("TEST_HTTP_SECONDS", "15"))
    world = delivery.World(
        channels=CHANNELS,
        accounts=Accounts(directory, Secrets(os.environ)),
        ledger=await stack.enter_async_context(ledger),
        http=PushHttp(await stack.enter_async_context(Http(Limits(total=total))), clock.now),
        mail=MailPost(clock.now, seconds=total),
        log=log,
        inbox=names.inbox,
        now=clock.now,
        reach=failpoints.from_environment(),
        limiter=await stack.enter_async_context(limits.opened(loaded.views, loaded.view_prefix)),
    )
    role = delivery.build(
        world,
        bootstrap=loaded.bootstrap,
        topics=names,
        groups=Groups(loaded.topic_prefix),
        instance=os.environ.get("TEST_INSTANCE"),
    )
    session = float(os.environ.get("TEST_SESSION_SECONDS", "10"))
    role.taken = replace(role.taken, session_timeout=session)
    return role


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


ROLES = {"delivery": delivery_role, "reply": reply_role, "media": media_role}


async def main(name: str, loaded: Settings) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as stack:
        log = EventLog(loaded.bootstrap, max_pending_bytes=loaded.max_pending_bytes)
        await log.start()
        stack.push_async_callback(log.stop)
        role = await ROLES[name](loaded, stack, Results(log))

        async def unready() -> list[str]:
            return list(role.unready())

        await stack.enter_async_context(telemetry.serve_health(loaded.metrics_port, unready))
        breaking = asyncio.create_task(broken(role, os.environ.get("TEST_BREAK")))
        if early := os.environ.get("TEST_STOP"):
            asyncio.get_running_loop().call_later(float(early), stop.set)
        await role.run(stop)
        breaking.cancel()


async def broken(role: AgentRole, part: str | None) -> None:
    """Break a part of a running role, if a test wants it."""
    while part and role.unready():
        await asyncio.sleep(0.1)
    if part == "thread":
        loop = role._app.consumer._thread.thread_loop
        loop.call_soon_threadsafe(loop.stop)
    elif part == "faust":
        await role._app.crash(RuntimeError("a bug of Faust's"))


if __name__ == "__main__":
    telemetry.configure_logging("info", sys.argv[1])
    uvloop.run(ending.bounded(main(sys.argv[1], settings.load())))
