"""Ids that were decided are known after a restore, however they were written."""

from datetime import UTC, datetime, timedelta

from aiokafka import ConsumerRecord

from streams import seen

T0 = datetime(2026, 1, 5, 12, 0, 0, 123_456, tzinfo=UTC)
IDS = {b"id-%d" % number: T0 + timedelta(seconds=number) for number in range(3)}


def consumed(key, value):
    return ConsumerRecord("seen", 0, 0, 0, 0, key, value, None, len(key), len(value), ())


def test_ids_of_a_transaction_are_read_as_they_were_written():
    letter = seen.together(IDS)
    assert seen.read([consumed(letter.key, letter.value)]) == IDS


def test_ids_that_had_records_of_their_own_are_read_too():
    alone = [consumed(key, moment.isoformat().encode()) for key, moment in IDS.items()]
    more = seen.together({b"later": T0})
    assert seen.read([*alone, consumed(more.key, more.value)]) == IDS | {b"later": T0}
