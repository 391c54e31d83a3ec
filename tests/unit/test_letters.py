"""What the dead-letter topic says of each letter: whether somebody must still deal with it."""

from datetime import UTC, datetime

import pytest
from aiokafka import ConsumerRecord

from chatfold import letters, settling
from chatfold.letters import Kind
from chatfold.refusal import Refusal
from projections.parked_facts import PoisonFact
from schemas import codec
from schemas.dead_letters import LetterSettled, Settlement, dead_letter, replayed
from schemas.envelope import Position, Record
from schemas.topics import Topics

TOPICS = Topics("test")
AT = datetime(2026, 11, 21, tzinfo=UTC)
HEADERS = [("ce_type", b"PauseChat.v9"), ("ce_subject", b"chat"), ("ce_id", b"one")]


def letter(topic: str, offset: int = 0, **told: str) -> Record:
    origin = Position(topic, 0, offset)
    return dead_letter(
        key=b"chat",
        value=b"{}",
        headers=HEADERS,
        origin=origin,
        reason="of a later version",
        **told,
    )


def settled(origin: str, projection: str | None = None) -> Record:
    told = LetterSettled(
        origin=origin, did=Settlement.REPLAYED, by="ada", at=AT, projection=projection
    )
    return Record(b"chat", codec.dumps(told), [("ce_type", LetterSettled.type.encode())])


def fact(offset: int, behind: int = 0) -> PoisonFact:
    return PoisonFact(
        projection="tables",
        topic=TOPICS.events,
        partition=0,
        offset=offset,
        key=b"chat",
        reason="of a later version",
        parked_at=AT,
        behind=behind,
    )


def told(*records: Record, waiting=(), **unknown) -> list[letters.Letter]:
    consumed = [_consumed(record, number) for number, record in enumerate(records)]
    return letters.told(consumed, {letters.name_of(one): one for one in waiting}, **unknown)


def test_an_input_is_open_until_it_is_settled_whichever_was_read_first():
    origin = f"{TOPICS.inbox}/0/0"
    assert [one.is_open for one in told(letter(TOPICS.inbox))] == [True]
    for records in (
        [letter(TOPICS.inbox), settled(origin)],
        [settled(origin), letter(TOPICS.inbox)],
    ):
        (one,) = told(*records)
        assert not one.is_open
        assert (one.settled.did, one.settled.by) == ("replayed", "ada")


def test_a_letter_that_was_told_twice_is_one_and_another_place_is_another():
    found = told(letter(TOPICS.inbox), letter(TOPICS.inbox), letter(TOPICS.inbox, 1))
    assert [one.origin for one in found] == [f"{TOPICS.inbox}/0/0", f"{TOPICS.inbox}/0/1"]


def test_a_fact_is_open_while_it_waits_whatever_was_done():
    of_fact, origin = letter(TOPICS.events, 3, projection="tables"), f"{TOPICS.events}/0/3"
    assert [one.is_open for one in told(of_fact)] == [False]
    (waits,) = told(of_fact, settled(origin, "tables"), waiting=[fact(3, behind=2)])
    assert (waits.is_open, waits.waits, waits.behind) == (True, True, 2)
    (without_letter,) = told(waiting=[fact(3)])
    assert without_letter.is_open


@pytest.mark.parametrize(("unknown", "is_open"), [(["tables"], True), (None, True), (["v"], False)])
def test_a_fact_of_which_nobody_knows_whether_it_waits_is_open(unknown, is_open):
    (one,) = told(letter(TOPICS.events, 3, projection="tables"), unknown=unknown)
    assert one.is_open is is_open


def test_a_replayed_record_is_the_original_and_says_that_it_was_a_letter():
    (one,) = told(letter(TOPICS.inbox, 7, reported=""))
    again = replayed(one.record, one.origin)
    assert (again.key, again.value) == (b"chat", b"{}")
    assert again.headers == [*HEADERS, ("dl_replayed", f"{TOPICS.inbox}/0/7".encode())]


def test_a_letter_of_a_replayed_record_names_the_one_before_and_only_that():
    (one,) = told(letter(TOPICS.inbox, 7))
    for offset in (8, 9):
        again = replayed(one.record, one.origin)
        position = Position(TOPICS.inbox, 0, offset)
        buried = dead_letter(
            key=again.key, value=again.value, headers=again.headers, origin=position, reason="no"
        )
        before, (one,) = one.origin, told(buried)
        assert (one.origin, one.replayed_from) == (f"{TOPICS.inbox}/0/{offset}", before)
    assert [name for name, _ in replayed(one.record, one.origin).headers].count("dl_replayed") == 1


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        (TOPICS.inbox, Kind.INPUT),
        (TOPICS.work_delivery, Kind.ORDER),
        (TOPICS.work_reply, Kind.ORDER),
        (TOPICS.work_media, Kind.ORDER),
        (TOPICS.events, None),
        ("other.inbox.v1", None),
    ],
)
def test_what_a_letter_was_follows_from_where_it_came_from(topic, kind):
    (one,) = told(letter(topic))
    assert one.kind(TOPICS) is kind


def test_all_are_those_of_a_kind_that_are_open_and_were_not_reported():
    found = told(
        letter(TOPICS.inbox, 0),
        letter(TOPICS.inbox, 1),
        letter(TOPICS.work_media, 0),
        letter(TOPICS.work_media, 1, reported="job/j/1"),
        letter(TOPICS.events, 0, projection="tables"),
        settled(f"{TOPICS.inbox}/0/1"),
        waiting=[fact(0)],
    )
    assert _chosen(found, Kind.INPUT) == [f"{TOPICS.inbox}/0/0"]
    assert _chosen(found, Kind.ORDER) == [f"{TOPICS.work_media}/0/0"]
    assert _chosen(found, Kind.FACT) == []
    named = [one.origin for one in found]
    assert _chosen(found, None, named) == [
        f"{TOPICS.inbox}/0/0",
        f"{TOPICS.work_media}/0/0",
        f"{TOPICS.work_media}/0/1",
    ]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (letter(TOPICS.work_delivery, reported="reply/r1/1"), "deliveries retry r1"),
        (letter(TOPICS.work_media, reported="job/j1/1"), "jobs retry j1"),
        (letter(TOPICS.work_reply, reported="question/q1/1"), "gone on without"),
        (letter("other.inbox.v1"), "no topic of this deployment"),
    ],
)
def test_what_must_not_be_appended_again_is_refused_with_what_to_do(record, said):
    (one,) = told(record)
    desk = settling.Settling(
        log=None, topics=TOPICS, by="ada", append_seconds=1, now=lambda: AT, reach=lambda _: None
    )
    with pytest.raises(Refusal, match=said):
        desk.way_back(one)


def test_headers_that_say_nothing_hide_no_letter():
    broken = Record(b"key", None, [("ce_type", None), ("dl_origin", b"\xff")])
    (one,) = told(broken)
    assert (one.type, one.chat_id, one.is_open) == ("?", "?", True)


def _chosen(found, everything, origins=()):
    return [one.origin for one in settling.chosen(found, origins, everything, TOPICS)]


def _consumed(record: Record, offset: int) -> ConsumerRecord:
    return ConsumerRecord(
        topic=TOPICS.dead_letters,
        partition=0,
        offset=offset,
        timestamp=offset,
        timestamp_type=0,
        key=record.key,
        value=record.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple(record.headers),
    )
