"""Follows the tenants topic, so that a change needs no restart."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord

from chatfold.eventlog import KafkaUnreachable
from chatfold.refusal import Refusal
from chatfold.tenancy import metrics
from chatfold.tenancy.index import Owned, Tenants
from chatfold.tenancy.records import tenant_of
from schemas import codec
from schemas.tenants import Tenant

logger = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 5.0
LOAD_SECONDS: Final = 30.0
POLL_MS: Final = 500
RETRY_SECONDS: Final = 1.0
CATCH_UP_SECONDS: Final = 0.01

OnChange = Callable[[], None]


class TenantsUnreadable(Refusal):
    """The tenants topic does not show itself."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} does not exist: run `chatfold topics apply`")


class TenantDirectory:
    """The tenants as they stand in the topic: read to its end at start, then followed."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.snapshot = Tenants()
        self.version = 0
        self._bootstrap = bootstrap
        self._topic = topic
        self._tenants: dict[str, Tenant] = {}
        self._listeners: list[OnChange] = []
        self._following: asyncio.Task[None] | None = None

    def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant of that id."""
        return self.snapshot.by_id.get(tenant_id)

    def account(self, provider: str, account: str) -> Owned | None:
        """The account and its tenant."""
        return self.snapshot.account(provider, account)

    def accounts(self, provider: str) -> Sequence[Owned]:
        """Every account at `provider`, of all tenants."""
        return self.snapshot.accounts(provider)

    def on_change(self, listener: OnChange) -> None:
        """Call `listener` after every change."""
        self._listeners.append(listener)

    @property
    def is_following(self) -> bool:
        """Whether changes still arrive."""
        return self._following is not None and not self._following.done()

    async def start(self) -> None:
        """Return when all tenants are known; raises `KafkaUnreachable`, `TenantsUnreadable`."""
        self._consumer = AIOKafkaConsumer(
            self._topic,
            bootstrap_servers=self._bootstrap,
            client_id="chatfold-tenants",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        try:
            await self._connect()
            await asyncio.wait_for(self._load(), LOAD_SECONDS)
        except (KafkaError, TimeoutError) as error:
            await self._consumer.stop()
            raise KafkaUnreachable(self._bootstrap, f"reading {self._topic}: {error!r}") from None
        self._following = asyncio.create_task(self._follow())

    async def catch_up(self) -> None:
        """Return when all that is in the topic by now is known."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        while True:
            if await self._reached(ends):
                return
            await asyncio.sleep(CATCH_UP_SECONDS)

    async def stop(self) -> None:
        """Follow no longer."""
        if self._following:
            self._following.cancel()
            await asyncio.wait([self._following])
        await self._consumer.stop()

    async def _connect(self) -> None:
        """An absent Kafka is an error at once; for an absent topic aiokafka waits for ever."""
        try:
            await asyncio.wait_for(self._consumer.start(), CONNECT_SECONDS)
        except TimeoutError:
            await self._consumer.stop()
            raise TenantsUnreadable(self._topic) from None

    async def _load(self) -> None:
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        while not await self._reached(ends):
            self._read(await self._consumer.getmany(timeout_ms=POLL_MS))
        self._publish()

    async def _reached(self, ends: dict[TopicPartition, int]) -> bool:
        for part, end in ends.items():
            if await self._consumer.position(part) < end:
                return False
        return True

    async def _follow(self) -> None:
        while True:
            try:
                if self._read(await self._consumer.getmany(timeout_ms=POLL_MS)):
                    self._publish()
            except KafkaError as error:
                logger.warning("following %s: %r; trying again", self._topic, error)
                await asyncio.sleep(RETRY_SECONDS)

    def _read(self, batches: dict[TopicPartition, list[ConsumerRecord]]) -> bool:
        records = [record for batch in batches.values() for record in batch]
        for record in records:
            self._take(record)
        return bool(records)

    def _take(self, record: ConsumerRecord) -> None:
        tenant_id = (record.key or b"").decode(errors="replace")
        if record.value is None:
            self._tenants.pop(tenant_id, None)
            return
        try:
            tenant = tenant_of(record.value)
        except codec.Undecodable as error:
            metrics.UNDECODABLE.inc()
            logger.warning("tenant %s at offset %s left out: %s", tenant_id, record.offset, error)
            return
        self._tenants[tenant.tenant_id] = tenant

    def _publish(self) -> None:
        self.snapshot = Tenants(self._tenants.values())
        self.version += 1
        metrics.TENANTS.set(len(self._tenants))
        metrics.CONFLICTS.set(len(self.snapshot.conflicts))
        for tenant, account in self.snapshot.conflicts:
            logger.error(
                "account %s at %s of tenant %s belongs to another tenant",
                account.account,
                account.provider,
                tenant.tenant_id,
            )
        for listener in self._listeners:
            listener()
