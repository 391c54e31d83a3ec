"""One Faust app per agent, in the one shape that was seen to lose nothing.

At least once, one actor, no tables, acknowledgements by hand and in order, read-committed:
everything else that Faust offers lost or doubled events when its process was killed.
"""

from dataclasses import dataclass
from typing import Final, cast

import faust
from faust.types import TP, EventT, StreamT, TopicT

from schemas.envelope import Headers, Position
from streams import transport
from streams.window import HELD, LIMIT, InOrderWindow

GRACE_SECONDS: Final = 20.0
"""What is in flight may take as long when a partition or the process goes: more than any call."""

_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumption:
    """What an agent consumes, and as whom.

    `instance` is the member's lasting name, unique in the group: a restart within
    `session_timeout` moves no partition. Without one the partitions move at once.
    """

    name: str
    bootstrap: str
    topic: str
    group: str
    dead_letters: str
    instance: str | None = None
    limit: int = LIMIT
    held: int = HELD
    grace: float = GRACE_SECONDS
    session_timeout: float = 10.0
    commit_interval: float = 0.5


class TakenEvent:
    """An event of Faust's stream as the window sees it."""

    __slots__ = ("_consumer", "_event", "message")

    def __init__(self, event: EventT[bytes], consumer: transport.InOrderConsumer) -> None:
        self.message = event.message
        self._event = event
        self._consumer = consumer

    @property
    def partition(self) -> TP:
        """Topic and partition."""
        return self.message.tp

    @property
    def offset(self) -> int:
        """Its place there."""
        return self.message.offset

    @property
    def key(self) -> bytes | None:
        """The chat."""
        return self.message.key

    @property
    def headers(self) -> Headers:
        """The record's headers."""
        return list(cast(Headers, self.message.headers or ()))

    @property
    def position(self) -> Position:
        """Where the record stands in the log."""
        return Position(self.message.topic, self.message.partition, self.message.offset)

    def ack(self) -> None:
        """Let this offset be committed, and so all before it."""
        self._event.ack()

    def drop(self) -> None:
        """Forget it without an acknowledgement."""
        self._consumer.forget(self.message)


Window = InOrderWindow[TakenEvent]


class AgentApp(faust.App):
    """A Faust app that feeds a window, and keeps no files.

    Its one actor reads the stream for as long as the app runs; `actor_ended` tells if not.
    """

    consumer: transport.InOrderConsumer
    mundane_level = "debug"

    def __init__(self, taken: Consumption, window: Window) -> None:
        self.window = window
        self.grace = taken.grace
        self.actor_ended = False
        super().__init__(
            taken.group,
            env={},  # else a BROKER_URL or PRODUCER_ACKS in the environment would win
            broker=[f"kafka://{address}" for address in taken.bootstrap.split(",")],
            processing_guarantee="at_least_once",
            consumer_group_instance_id=taken.instance,
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=taken.session_timeout,
            broker_heartbeat_interval=taken.session_timeout / 5,
            broker_request_timeout=max(40.0, taken.session_timeout),
            broker_rebalance_timeout=taken.grace + 40.0,
            # A full window does not poll; Kafka must not take that for death. The lag tells.
            broker_max_poll_interval=_DAY,
            broker_max_poll_records=500,
            broker_commit_interval=taken.commit_interval,
            producer_linger=0.01,
            stream_buffer_maxsize=500,
            stream_wait_empty=True,
            table_standby_replicas=0,
            topic_disable_leader=True,
            topic_allow_declare=False,
            web_enabled=False,
            key_serializer="raw",
            value_serializer="raw",
        )
        self.agent(self._source(taken.topic), name=taken.name, concurrency=1)(self._feed)

    async def _feed(self, stream: StreamT[bytes]) -> None:
        self.actor_ended = False
        try:
            async for event in stream.noack().events():  # type: ignore[attr-defined]  # StreamT lacks it
                await self.window.submit(TakenEvent(event, self.consumer))
        finally:
            self.actor_ended = True

    def _source(self, topic: str) -> TopicT:
        """The topic, with types with which Faust can fail to decode nothing.

        It acknowledges what it cannot decode by itself, past what is in flight.
        """
        return self.topic(
            topic,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            allow_empty=True,
        )

    def _new_transport(self) -> transport.InOrderTransport:
        return transport.make_transport(self)

    def _create_directories(self) -> None:
        """Make none: there are no tables."""
