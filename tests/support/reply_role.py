"""The reply role for tests: real models, ledger and tenants; the views are what a test wants."""

import os
from contextlib import AsyncExitStack
from dataclasses import replace

from chatfold import clock, database, failpoints
from chatfold.ledger import PostgresLedger, new_run_id
from chatfold.models import TenantModels
from chatfold.results import Results
from chatfold.settings import Settings
from chatfold.tenancy import Secrets, TenantDirectory
from chatfold.tenancy.current import Current
from schemas.content import Json
from schemas.topics import Groups, Topics
from streams.agents import assistant
from streams.roles import AgentRole


class Views:
    """Says what it is told to say; `broken` stands for a view store that raises."""

    async def view_stats(self) -> Json:
        if os.environ.get("TEST_VIEWS") == "broken":
            raise ConnectionError("the view store is away")
        return {"reachable": True, "operations": 3}


async def reply_role(loaded: Settings, stack: AsyncExitStack, log: Results) -> AgentRole:
    names = Topics(loaded.topic_prefix)
    directory = TenantDirectory(loaded.bootstrap, names.tenants)
    await directory.start()
    stack.push_async_callback(directory.stop)
    pool = await database.open_pool(loaded.database, kept=1, extra=3)
    stack.push_async_callback(pool.close)
    current = Current(directory, Secrets(os.environ))
    ledger = PostgresLedger(
        pool, loaded.database_schema, run_id=new_run_id(clock.now()), now=clock.now
    )
    world = assistant.World(
        tenants=current,
        models=await stack.enter_async_context(TenantModels(current)),
        ledger=await stack.enter_async_context(ledger),
        log=log,
        inbox=names.inbox,
        now=clock.now,
        reach=failpoints.from_environment(),
    )
    role = assistant.build(
        world,
        Views(),
        bootstrap=loaded.bootstrap,
        topics=names,
        groups=Groups(loaded.topic_prefix),
        instance=os.environ.get("TEST_INSTANCE"),
    )
    session = float(os.environ.get("TEST_SESSION_SECONDS", "10"))
    role.taken = replace(role.taken, session_timeout=session)
    return role
