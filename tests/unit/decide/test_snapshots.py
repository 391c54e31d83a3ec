"""What a decider has written of its chats can be read by the next release."""

import pytest

from schemas import codec
from streams.decide import snapshot
from streams.decide.state import ChatState
from tests.support.fixtures import SNAPSHOTS

LISTED = (SNAPSHOTS / "listed.bin").read_bytes()
NAMED = (SNAPSHOTS / "named.bin").read_bytes()
"""The same state, every field filled, as it was written while fields had names."""


def test_a_state_is_written_as_it_was():
    assert snapshot.encode(snapshot.decode(LISTED), snapshot.due_of(LISTED)) == LISTED


def test_a_state_that_was_written_with_names_reads_as_the_same():
    assert snapshot.decode(NAMED) == snapshot.decode(LISTED)
    assert snapshot.due_of(NAMED) == snapshot.due_of(LISTED)


def test_what_was_left_out_with_names_is_the_default():
    head, few = NAMED[:9], b'{"chat_id":"c","tenant":"t","outbox":[]}'
    assert snapshot.decode(head + few) == ChatState("c", "t")


@pytest.mark.parametrize(
    "told",
    [
        LISTED[9:-1],
        LISTED[9:] + b"\x00",
        b'{"chat_id":"c"}',
        b'{"chat_id":"c","tenant":"t","surprise":1}',
        b'{"chat_id":"c","tenant":"t","profile":{"surprise":1}}',
        b'{"chat_id":"c","tenant":"t","heard_at":1}',
        b'{"chat_id":"c"',
        b"",
    ],
)
def test_what_is_no_state_is_refused(told):
    with pytest.raises(codec.Undecodable):
        snapshot.decode(LISTED[:9] + told)
