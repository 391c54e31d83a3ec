"""Many writes to the fewest that do the same."""

from projections.claims import settled
from projections.fold import Folded, fold
from projections.rows import RANKS, Standing, Write

KEY = ("m1",)


def patch(sequence: int, standing: Standing | None = None, **assigned: str) -> Write:
    return Write("messages", KEY, sequence, assigned, standing=standing)


def made(sequence: int, **assigned: str) -> Write:
    return Write("messages", KEY, sequence, assigned, {"created_at": f"at {sequence}"})


def only(*writes: Write) -> Folded:
    return fold(writes)["messages"]


def test_the_last_assignment_of_each_column_wins() -> None:
    (write,) = only(patch(1, a="1", b="1"), patch(2, b="2"), patch(3, c="3")).patches
    assert write.assigned == {"a": "1", "b": "2", "c": "3"}
    assert write.sequence == 3


def test_a_patch_before_the_row_is_made_counts_only_for_a_row_that_was_there() -> None:
    folded = only(patch(1, edited_at="1"), made(2, text="2"), patch(3, deleted_at="3"))
    (before,), (upsert,) = folded.before, folded.upserts
    assert before.assigned == {"edited_at": "1"}
    assert upsert.assigned == {"text": "2", "deleted_at": "3"}
    assert not folded.patches


def test_a_new_row_begins_as_the_first_write_says() -> None:
    (upsert,) = only(made(1, text="1"), made(2, text="2")).upserts
    assert upsert.initial == {"created_at": "at 1"}
    assert upsert.assigned == {"text": "2"}


def test_a_kept_column_keeps_its_first_value() -> None:
    first = Write("messages", KEY, 1, kept={"platform_message_id": "x"})
    second = Write("messages", KEY, 2, kept={"platform_message_id": "y"})
    assert only(first, patch(2), second).patches[0].kept == {"platform_message_id": "x"}


def test_of_two_standings_the_greater_stays() -> None:
    read, sent = Standing(1, RANKS["read"]), Standing(1, RANKS["sent"])
    again = Standing(2, RANKS["pending"])
    assert only(patch(1, read), patch(2, sent)).patches[0].standing == read
    assert only(patch(1, read), patch(2, again), patch(3)).patches[0].standing == again


def test_rows_come_in_the_order_in_which_the_log_names_them() -> None:
    writes = [Write("messages", (name,), 1, {}) for name in ("z", "a", "m", "a")]
    assert [write.key for write in fold(writes)["messages"].patches] == [("z",), ("a",), ("m",)]


def test_who_claims_a_platform_id_first_keeps_it() -> None:
    def claims(message: str, name: str) -> Write:
        kept = {"platform_message_id": name}
        return Write("messages", (message,), 1, {"chat_id": "c"}, kept=kept)

    writes = [claims("m1", "x"), claims("m2", "x"), claims("m3", "y"), claims("m1", "x")]
    told = list(settled(writes, {("c", "y"): ("m9",)}))
    assert [write.kept for write in told] == [
        {"platform_message_id": "x"},
        {},
        {},
        {"platform_message_id": "x"},
    ]
