"""The archive in a bucket: what was archived there is the log, whoever else writes to it."""

import asyncio
from collections.abc import Iterator

import boto3
import pytest

from chatfold.settings import Settings
from tests.support import archiving, commands_run, facts, projecting, s3

BUCKET = "archive"


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with s3.serving(BUCKET):
        yield


@pytest.fixture
def in_bucket(settings: Settings) -> Settings:
    """The settings of a deployment that archives to the bucket."""
    url = f"s3://{BUCKET}/{settings.topic_prefix}"
    return settings.model_copy(update={"archive_url": url})


async def filled(settings: Settings) -> str:
    topic = await projecting.prepare(settings)
    await projecting.append(settings, facts.log(0, chats=20, facts=1500), seed=0)
    return topic


def objects(settings: Settings) -> list[str]:
    told = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=settings.topic_prefix)
    return [one["Key"] for one in told.get("Contents", [])]


async def test_a_log_that_kafka_dropped_is_read_from_the_bucket(in_bucket: Settings) -> None:
    topic = await filled(in_bucket)
    before = await archiving.whole(in_bucket, topic, None)
    async with archiving.archiving(in_bucket):
        await archiving.archived(in_bucket, topic)
    await archiving.truncate(in_bucket, topic, share=1)
    assert await archiving.whole(in_bucket, topic, archiving.index(in_bucket)) == before
    assert len(objects(in_bucket)) > 2 * in_bucket.partitions


async def test_two_archivers_of_the_same_partitions_make_one_archive(in_bucket: Settings) -> None:
    """As when one was frozen and the group has given its partitions to another."""
    topic = await filled(in_bucket)
    before = await archiving.whole(in_bucket, topic, None)
    one, other = (archiving.archiving(in_bucket, **group) for group in ({}, {"group": "another"}))
    async with one, other:
        await archiving.archived(in_bucket, topic)
    await archiving.truncate(in_bucket, topic, share=1)
    assert await archiving.whole(in_bucket, topic, archiving.index(in_bucket)) == before


async def test_commands_read_the_bucket(in_bucket: Settings) -> None:
    topic = await filled(in_bucket)
    async with archiving.archiving(in_bucket):
        await archiving.archived(in_bucket, topic)
    done = await asyncio.to_thread(commands_run.run, in_bucket, "archive", "verify")
    assert done.returncode == 0, done.stderr
