"""Find what replies need: answers of models, and to handlers' questions."""

import asyncio
from contextlib import AsyncExitStack

from chatfold import clock, failpoints, slots, standing, views
from chatfold.ledger import PostgresLedger, new_run_id
from chatfold.models import TenantModels
from chatfold.results import Results
from chatfold.settings import Settings
from chatfold.tenancy import Secrets
from chatfold.tenancy.current import Current
from schemas.topics import Groups, Topics
from streams.agents import assistant


async def run(settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
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
