"""`python -m tests.support.agent_role delivery|reply|media`: an agent as a process of its own.

Takes what a test may want otherwise from variables: the consumer's lasting name, time-outs.
"""

import asyncio
import importlib
import os
import signal
import sys
from contextlib import AsyncExitStack

import uvloop

from chatfold import ending, settings, telemetry
from chatfold.eventlog import EventLog
from chatfold.results import Results
from chatfold.settings import Settings
from streams.roles import AgentRole


async def main(name: str, loaded: Settings) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with AsyncExitStack() as stack:
        log = EventLog(loaded.bootstrap, max_pending_bytes=loaded.max_pending_bytes)
        await log.start()
        stack.push_async_callback(log.stop)
        built = importlib.import_module(f"tests.support.{name}_role")  # the others take seconds
        role = await getattr(built, f"{name}_role")(loaded, stack, Results(log))

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
