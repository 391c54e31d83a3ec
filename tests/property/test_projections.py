"""Laws of the tables: how the log is cut into batches, and how often it is read, does not show."""

import itertools
import random
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from projections.fold import fold
from projections.registry import TABLES
from schemas import codec
from schemas.content import ActionTaken, Status
from schemas.envelope import Recorded
from schemas.facts import Fact, MessageSent, MessageStatusReported, ReplyGenerated
from tests.support import facts, oracle
from tests.support.merged import Memory, told

RNGS = st.randoms(use_true_random=False)


@given(facts.logs(), RNGS)
def test_any_split_into_batches_gives_the_rows_of_one_fact_at_a_time(
    log: list[Recorded[Fact]], rng: random.Random
) -> None:
    memory = Memory()
    for batch in facts.splits(log, rng):
        memory.take(batch)
    assert told(memory.rows) == told(oracle.tables(log))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_so_does_any_split_of_a_long_log(seed: int) -> None:
    """Where hypothesis draws each step itself, long ways such as those of jobs are rare."""
    log, memory = facts.log(seed, chats=3, facts=400), Memory()
    for batch in facts.splits(log, random.Random(seed)):
        memory.take(batch)
    assert told(memory.rows) == told(oracle.tables(log))


@given(facts.logs(), RNGS)
def test_reading_again_from_any_earlier_place_changes_nothing(
    log: list[Recorded[Fact]], rng: random.Random
) -> None:
    memory = Memory()
    position = 0
    for _ in range(4):
        position = rng.randint(0, position)
        until = rng.randint(position, len(log))
        for batch in facts.splits(log[position:until], rng):
            memory.take(batch)
        position = until
    for batch in facts.splits(log[position:], rng):
        memory.take(batch)
    assert told(memory.rows) == told(oracle.tables(log))


@given(facts.logs(), RNGS)
def test_a_part_that_comes_again_takes_nothing_back(
    log: list[Recorded[Fact]], rng: random.Random
) -> None:
    memory = Memory()
    memory.take(log)
    begin = rng.randint(0, len(log))
    for batch in facts.splits(log[begin : rng.randint(begin, len(log))], rng):
        memory.take(batch)
    assert told(memory.rows) == told(oracle.tables(log))


@given(facts.logs(), RNGS)
def test_a_batch_touches_each_row_at_most_once(
    log: list[Recorded[Fact]], rng: random.Random
) -> None:
    for batch in facts.splits(log, rng):
        for folded in fold([w for recorded in batch for w in TABLES.evolve(recorded)]).values():
            patched, made = ({w.key for w in part} for part in (folded.patches, folded.upserts))
            before = {write.key for write in folded.before}
            assert len(folded) == len(before) + len(patched) + len(made)
            assert not patched & made
            assert before <= made


@settings(max_examples=30)
@given(st.permutations(["sent", *[s for s in Status if s is not Status.DELETED]]), RNGS)
def test_statuses_of_one_attempt_end_in_the_same_row_in_any_order(
    order: list[str], rng: random.Random
) -> None:
    rows = {
        final_row(order, rng),
        final_row(["sent", "delivered", "read", "failed", "played"], rng),
    }
    assert len(rows) == 1


def test_every_pair_of_statuses_commutes() -> None:
    stages = ["sent", *Status]
    for attempts in itertools.product((1, 2), (1, 2)):
        for pair in itertools.product(stages, stages):
            one = list(zip(pair, attempts, strict=True))
            assert final_row_of(one) == final_row_of(one[::-1])


def final_row(order: list[str], rng: random.Random) -> str:
    memory = Memory()
    for batch in facts.splits(reply_and((status, 1) for status in order), rng):
        memory.take(batch)
    return _row(memory)


def final_row_of(stages: list[tuple[str, int]]) -> str:
    memory = Memory()
    memory.take(reply_and(stages))
    return _row(memory)


def _row(memory: Memory) -> str:
    (row,) = (row for row in memory.rows["messages"].values() if row.get("handler") == "echo")
    return repr(sorted((k, v) for k, v in row.items() if k not in {"deleted_at", "last_seq"}))


def reply_and(stages: Iterable[tuple[str, int]]) -> list[Recorded[Fact]]:
    """A reply, and what is told of it."""
    story = facts.ChatStory("tenant-0", 1, random.Random(7))
    log: list[Recorded[Fact]] = []
    while not any(isinstance(recorded.data, ReplyGenerated) for recorded in log):
        log = [*log, *story.tell(1)]
    at = next(i for i, recorded in enumerate(log) if isinstance(recorded.data, ReplyGenerated))
    reply = log[at].data
    assert isinstance(reply, ReplyGenerated)
    extra = [_stage(reply.reply_id, stage, attempt) for stage, attempt in stages]
    told = [recorded.data for recorded in log[: at + 1]] + extra
    return [replace(log[0], data=fact, sequence=n) for n, fact in enumerate(told, 1)]


def _stage(reply_id: str, stage: str, attempt: int) -> Fact:
    if stage == "sent" and not isinstance(stage, Status):
        return MessageSent(
            reply_id=reply_id,
            attempt=attempt,
            platform_message_id="wamid.X",
            http_status=200,
            started_at=facts.BEGIN,
            finished_at=facts.BEGIN,
        )
    failed = stage == Status.FAILED
    return MessageStatusReported(
        message_id=reply_id,
        platform_message_id="wamid.X",
        attempt=attempt,
        status=Status(stage),
        reported_at=None,
        error_code="131026" if failed else None,
        error_message=None,
        action=ActionTaken.STATUS,
    )


def test_a_projection_handles_exactly_the_facts_that_change_its_tables() -> None:
    log = facts.log(3, chats=4, facts=1500)
    seen = {type(recorded.data) for recorded in log}
    changing = {type(recorded.data) for recorded in log if TABLES.evolve(recorded)}
    assert seen == set(codec.FACTS.values())
    assert changing == TABLES.handles
