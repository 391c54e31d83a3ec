"""The stack: real servers that start, are reused, survive kill -9 and stop."""

import aiokafka
import asyncpg
import redis.asyncio

from chatfold.settings import Settings


async def test_the_shared_servers_serve_ordinary_clients(settings: Settings) -> None:
    database = await asyncpg.connect(settings.database)
    assert await database.fetchval("SHOW fsync") == "on"
    await database.close()
    views = redis.asyncio.from_url(settings.views)
    assert await views.ping()
    await views.aclose()
    producer = aiokafka.AIOKafkaProducer(bootstrap_servers=settings.bootstrap)
    await producer.start()
    await producer.stop()
