"""Send replies."""

import asyncio
from contextlib import AsyncExitStack

from chatfold import clock, failpoints, limits, slots, standing
from chatfold.accounts import Accounts
from chatfold.http import Http
from chatfold.http import Limits as HttpLimits
from chatfold.ledger import PostgresLedger, new_run_id
from chatfold.mail import MailPost
from chatfold.push import PushHttp
from chatfold.results import Results
from chatfold.settings import Settings
from chatfold.tenancy import Secrets
from providers.channels import CHANNELS
from schemas.topics import Groups, Topics
from streams.agents import delivery as delivery_agent
from streams.agents import lines


async def run(settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
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
