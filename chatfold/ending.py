"""The end of a process: in bounded time, also when a library's task will not be ended."""

import asyncio
import logging
import os
from collections.abc import Coroutine
from typing import Final

LOG: Final = logging.getLogger(__name__)
GRACE_SECONDS: Final = 3.0


async def bounded(main: Coroutine[object, object, None]) -> None:
    """Run `main`; what it leaves behind is cancelled, and after a grace the process ends hard.

    Faust's consumer swallows a cancellation and waits for Kafka; a loop that waits for it in
    turn would end only when Kafka is back. Everything that matters is in the log by then.
    """
    failure: BaseException | None = None
    try:
        await main
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # raised again below
        failure = error
    if await _left_over():
        LOG.warning("tasks that do not end are left behind", exc_info=failure)
        logging.shutdown()
        os._exit(1 if failure else 0)
    if failure is not None:
        raise failure


async def _left_over() -> int:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if not rest:
        return 0
    _, late = await asyncio.wait(rest, timeout=GRACE_SECONDS)
    return len(late)
