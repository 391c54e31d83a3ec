"""The delivery role for tests, with time-outs that a test may want otherwise."""

import os
from contextlib import AsyncExitStack
from dataclasses import replace

from chatfold import clock, database, failpoints, limits
from chatfold.accounts import Accounts
from chatfold.http import Http, Limits
from chatfold.ledger import PostgresLedger, new_run_id
from chatfold.mail import MailPost
from chatfold.push import PushHttp
from chatfold.results import Results
from chatfold.settings import Settings
from chatfold.tenancy import Secrets, TenantDirectory
from providers.channels import CHANNELS
from schemas.topics import Groups, Topics
from streams.agents import delivery
from streams.roles import AgentRole


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
