"""What we pack ourselves is, byte for byte, what aiokafka would have written."""

from datetime import UTC, timedelta, timezone

from aiokafka.producer.message_accumulator import BatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from schemas import awaited, codec, envelope, packing
from schemas.letters import Letter, Letterhead, letter
from streams import packed
from tests.support import golden

EXAMPLES = golden.examples()
TIME = 1_700_000_000_000

lengths = st.sampled_from((0, 1, 63, 64, 4_095, 4_096, 8_191, 8_192, 1 << 20))
values = st.one_of(st.none(), st.binary(max_size=40), lengths.map(bytes))
headers = st.lists(st.tuples(st.text(max_size=70), values), max_size=70)
letters = st.builds(Letter, st.binary(max_size=40), values, headers.map(packing.pack))


def theirs(some):
    batch = BatchBuilder(1 << 31, 0, is_transactional=1)
    for one in some:
        batch.append(timestamp=TIME, key=one.key, value=one.value, headers=one.headers)
    batch._set_producer_state(4_711, 7, 11)
    return batch._build()


def built(batch):
    batch._set_producer_state(4_711, 7, 11)
    return batch._build()


@given(st.lists(letters, min_size=1, max_size=5))
def test_batches_are_those_of_aiokafka(some):
    batches, done = list(packed.pack(some, TIME)), 0
    for batch in batches:
        count = batch.record_count()
        assert built(batch) == theirs(some[done : done + count])
        assert count == 1 or len(batch._build()) <= packed.MOST_BYTES
        done += count
    assert done == len(some)


@given(st.integers(0, 400), st.integers(2_500, 12_000))
def test_a_batch_takes_as_much_as_it_may(count, size):
    counts = [one.record_count() for one in packed.pack([Letter(b"k", bytes(size))] * count, TIME)]
    assert sum(counts) == count
    most = packed.MOST_BYTES // (size + 40)
    assert all(one >= most for one in counts[:-1])


@given(headers)
def test_headers_are_what_they_were(told):
    assert packing.unpack(packing.pack(told)) == told


@given(st.sampled_from(sorted(EXAMPLES)), st.integers(0, 1 << 40), st.none() | st.just("00-ab-01"))
def test_a_letter_is_the_record_of_what_it_tells(name, sequence, trace):
    fields = {
        field: getattr(EXAMPLES[name], field) for field in envelope.Recorded.__struct_fields__
    }
    told = envelope.Recorded(**fields | {"sequence": sequence, "traceparent": trace})
    head = Letterhead(
        source=told.source.encode(),
        chat_id=told.chat_id,
        time=told.time,
        tenant=told.tenant,
        causation_id=told.causation_id,
        correlation_id=told.correlation_id,
        traceparent=told.traceparent,
    )
    written = head.letter(told.id, told.data, sequence)
    record = envelope.encode(told)
    assert written == letter(record)
    assert written.headers == record.headers


@given(st.sampled_from(sorted(codec.ORDERS)))
def test_an_order_says_in_its_headers_what_is_awaited_of_it(name):
    told = EXAMPLES[name]
    head = Letterhead(
        source=b"/chatfold/decider",
        chat_id=told.chat_id,
        time=told.time,
        tenant=told.tenant,
        causation_id=told.causation_id,
        correlation_id=told.correlation_id,
        traceparent=None,
    )
    written = head.letter(told.id, told.data, waits=str(awaited.of(told.data)).encode())
    assert envelope.decode(codec.ORDERS, value=written.value, headers=written.headers).data == (
        told.data
    )
    found = awaited.read(written.headers)
    assert (found.id, found.chat_id, found.tenant) == (told.id, told.chat_id, told.tenant)
    assert found.data == awaited.of(told.data)


JUNK = st.sampled_from(
    [b"", b"reply", b"reply/a", b"reply/a/b/1", b"reply/a/x", b"other/a/1", b"\xff/a/1", None]
)


@given(JUNK, st.sets(st.sampled_from(["ce_id", "ce_time", "ce_tenant", "ce_subject"])))
def test_headers_that_do_not_say_it_tell_nothing(junk, missing):
    headers = dict(envelope.encode(EXAMPLES["SendMessage.v1"]).headers)
    whole = headers | {awaited.HEADER: b"reply/a/1"}
    assert awaited.read(whole.items()) is not None
    assert awaited.read((headers | {awaited.HEADER: junk}).items()) is None
    lacking = {name: value for name, value in whole.items() if name not in missing}
    assert (awaited.read(lacking.items()) is None) == bool(missing)


@given(st.datetimes(timezones=st.sampled_from((UTC, timezone(timedelta(hours=5, minutes=30))))))
def test_a_moment_is_told_as_python_tells_it(moment):
    assert codec.moment(moment) == moment.isoformat().encode()
