"""What a partition tells itself: timers that are due, and inputs that have found their tenant."""

from datetime import datetime
from typing import Final

from schemas import identity
from schemas.envelope import Recorded
from schemas.inputs import Input, TimerFired
from streams import parking, waiting
from streams.alarms import Due
from streams.batch import Batch
from streams.decide.draft import SOURCE
from streams.memory import PartitionMemory
from streams.parking import Route

MOST: Final = 500


def add(batch: Batch, memory: PartitionMemory, now: datetime, route: Route) -> None:
    """Append what is due to the inbox, as part of the batch's transaction."""
    for tenant in [one for one in memory.resting if batch.policies(one) is not None]:
        memory.wake(tenant)
    for chat_id, due in memory.alarms.take(now, MOST):
        state = memory.chat(chat_id)
        if state is None:
            continue
        if batch.policies(state.tenant) is None:
            memory.rest(state.tenant, chat_id, due)
        else:
            batch.tell(_fired(chat_id, state.tenant, due, now))
    _release(batch, memory, route)


def _release(batch: Batch, memory: PartitionMemory, route: Route) -> None:
    """Append what has waited for a tenant, in its order."""
    for tenant, kept in memory.waiting.items():
        if kept and batch.policies(tenant) is not None:
            for key, recorded in waiting.released(sorted(kept.items())[:MOST]):
                batch.tell(recorded)
                batch.parked[key] = None
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
