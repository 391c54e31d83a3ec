"""All writers agree on where a chat is."""

from uuid import UUID

from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as some

from chatfold.eventlog import partition_of


@given(key=some.uuids().map(lambda uuid: str(uuid).encode()), count=some.integers(1, 1000))
def test_a_chat_is_where_kafkas_own_clients_put_it(key: bytes, count: int):
    assert partition_of(key, count) == DefaultPartitioner()(key, list(range(count)), [])


@given(key=some.binary(max_size=80), count=some.integers(1, 1000))
def test_so_is_any_other_key(key: bytes, count: int):
    assert partition_of(key, count) == DefaultPartitioner()(key, list(range(count)), [])


def test_the_place_of_a_known_chat_never_changes():
    key = str(UUID("5f0c2b7e-7a3b-5c55-9d0e-3d6c9a1f4e21")).encode()
    assert [partition_of(key, count) for count in (4, 24, 1000)] == [1, 5, 573]
