"""What a partition tells itself: timers that are due, and parked items that have found a tenant."""

from datetime import datetime
from typing import Final

from schemas import identity
from schemas.envelope import Recorded
from schemas.inputs import Input, TimerFired
from streams import parking
from streams.alarms import Due
from streams.batch import Batch
from streams.decide.draft import SOURCE
from streams.memory import PartitionMemory
from streams.parking import Route

MOST: Final = 500


def add(batch: Batch, memory: PartitionMemory, now: datetime, route: Route) -> None:
    """Append what is due to the inbox, as part of the batch's transaction."""
    for chat_id, due in memory.alarms.take(now, MOST):
        state = memory.chat(chat_id)
        if state is not None:
            batch.tell(_fired(chat_id, state.tenant, due, now))
    if memory.parked:
        for key, recorded in parking.routed(list(memory.parked.items())[:MOST], route):
            batch.tell(recorded)
            batch.parked[key] = None


def _fired(chat_id: str, tenant: str, due: Due, now: datetime) -> Recorded[Input]:
    moment, timer = due
    timer_id = identity.timer_id(chat=chat_id, timer=timer, due=moment.isoformat())
    return Recorded(
        id=timer_id,
        time=now,
        source=SOURCE,
        tenant=tenant,
        chat_id=chat_id,
        causation_id=timer_id,
        correlation_id=timer_id,
        data=TimerFired(timer=timer, due=moment),
    )
