"""Faust's Kafka consumer, made to read committed records only and to commit what is in order.

Faust computes the offset to commit from gaps between offsets; those that transactions leave
stop its commits for good after a restart. Our window acknowledges in order, so the offset is
simply the last acknowledged one plus one, and gaps need no books.
"""

from collections.abc import Awaitable, Collection, Iterable
from itertools import count
from typing import Final, Protocol, cast

import aiokafka
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faust.transport.consumer import ensure_TPset
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT, Message
from mode.threads import WorkerThread

FETCH_MAX_WAIT_MS: Final = 500
RETRY_MS: Final = 300
"""Between tries while Kafka is away; every try is an error in aiokafka's log."""

STOP_SECONDS: Final = 5.0
REFRESH_METADATA_MS: Final = 60_000


class Owner(Protocol):
    """Is told of partitions; the window is one."""

    def assign(self, partitions: Iterable[TP]) -> None:
        """Take these partitions."""

    async def revoke(self, partitions: Collection[TP], grace: float) -> None:
        """Give these partitions away within `grace` seconds; what is acked then is committed."""


class WindowedApp(Protocol):
    """What an app with a window has beyond Faust's own."""

    window: Owner
    grace: float


class DaemonThread(WorkerThread):
    """Does not keep alive a process whose main loop has ended."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as WorkerThread takes them
        self.daemon = True


class Listener(driver.ConsumerRebalanceListener):
    """Numbers our spells of ownership, by which Faust discards what it fetched in an earlier one.

    Faust takes Kafka's generation for that, which stays the same when a static member rejoins.
    """

    _spells = count(1)

    def on_partitions_revoked(self, revoked: Iterable[object]) -> Awaitable[object]:
        """Make everything fetched until now stale, then tell Faust."""
        self._thread.app.consumer_generation_id = next(self._spells)
        return super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[object]) -> None:
        """Begin a new spell."""
        spell = next(self._spells)
        self._thread.app.consumer_generation_id = spell
        await self._thread.on_partitions_assigned(ensure_TPset(assigned), spell)


class ReadCommittedThread(driver.AIOKafkaConsumerThread):
    """Runs an aiokafka consumer that never sees a record of an aborted transaction."""

    Worker = DaemonThread
    mundane_level = "debug"
    shutdown_timeout = STOP_SECONDS

    def _create_worker_consumer(self, transport: driver.Transport) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        self._assignor = RoundRobinPartitionAssignor
        return aiokafka.AIOKafkaConsumer(
            bootstrap_servers=driver.server_list(transport.url, transport.default_port),
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset=conf.consumer_auto_offset_reset,
            partition_assignment_strategy=[self._assignor],
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=_milliseconds(conf.broker_max_poll_interval),
            session_timeout_ms=_milliseconds(conf.broker_session_timeout),
            heartbeat_interval_ms=_milliseconds(conf.broker_heartbeat_interval),
            rebalance_timeout_ms=_milliseconds(conf.broker_rebalance_timeout),
            request_timeout_ms=_milliseconds(conf.broker_request_timeout),
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
            retry_backoff_ms=RETRY_MS,
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            metadata_max_age_ms=REFRESH_METADATA_MS,
            **driver.credentials_to_aiokafka_auth(conf.broker_credentials, conf.ssl_context),
        )


class InOrderConsumer(driver.Consumer):
    """Commits behind the window's in-order acknowledgements."""

    RebalanceListener = Listener
    mundane_level = "debug"

    @property
    def _owner(self) -> WindowedApp:
        return cast(WindowedApp, self.app)

    def forget(self, message: Message) -> None:
        """Wait no longer for the acknowledgement of a message."""
        self._unacked_messages.discard(message)

    def lag(self, tp: TP, head: int | None) -> int | None:
        """Records of a partition not yet done, `head` being the first; None while unknown."""
        consumer = self._thread._consumer  # noqa: SLF001  # Faust gives no other way to it
        state = consumer and consumer._subscription.subscription  # noqa: SLF001  # nor aiokafka
        if not state or state.assignment is None or tp not in state.assignment.tps:
            return None
        place = state.assignment.state_value(tp)
        if place.highwater is None or not place.has_valid_position:
            return None
        first: int = place.position if head is None else head
        return max(0, int(place.highwater) - first)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Leave stalls to our own lag metric; Faust's check logs errors about idle topics."""

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let the window finish, and commit, before Faust drops its books of the partitions."""
        await self._owner.window.revoke(revoked, self._owner.grace)
        if not await self.commit():
            await self.commit()  # the first may have waited for an older one
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Open the window for the partitions before anything of them is fetched."""
        self._owner.window.assign(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    def _new_consumer_thread(self) -> ReadCommittedThread:
        return ReadCommittedThread(self, loop=self.loop, beacon=self.beacon)

    def _new_offset(self, tp: TP) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        following: int = max(acked) + 1
        self._acked_index[tp].difference_update(acked)
        acked.clear()
        return following

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Keep no books of gaps."""


class InOrderTransport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer = InOrderConsumer


def make_transport(app: AppT) -> InOrderTransport:
    """The transport of an app."""
    return InOrderTransport(app.conf.broker_consumer, app)


def is_running(consumer: object) -> bool:
    """Whether the consumer's own thread lives."""
    thread = getattr(getattr(consumer, "_thread", None), "_thread", None)
    return thread is not None and thread.is_alive()


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
