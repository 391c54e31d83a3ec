"""What PostgreSQL can hold of what people write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections import rows
from schemas import codec

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_text_without_nul_is_left_as_it_is() -> None:
    assert rows.text(None) is None
    assert rows.text("a\x00b\u202e") == "a\ufffdb\u202e"


@given(st.dictionaries(st.text(), JSON))
def test_json_never_holds_a_nul_and_changes_nothing_else(value: dict) -> None:
    def clean(inner: object) -> object:
        match inner:
            case str():
                return inner.replace("\x00", "\ufffd")
            case list():
                return [clean(one) for one in inner]
            case dict():
                return {clean(key): clean(one) for key, one in inner.items()}
            case _:
                return inner

    assert codec.loads((rows.json(value) or "").encode()) == clean(value)


@given(st.text(), st.text())
def test_identifiers_fit_an_index_and_stay_apart(one: str, other: str) -> None:
    cut, other_cut = rows.identifier("x" * 600 + one), rows.identifier("x" * 600 + other)
    assert len(cut.encode()) < 2_100
    assert (cut == other_cut) == (one == other)


@pytest.mark.parametrize(
    ("value", "kept"), [(None, None), (0, 0), (2**63 - 1, 2**63 - 1), (2**63, None), (-1, None)]
)
def test_a_size_beyond_a_bigint_is_not_known(value: int | None, kept: int | None) -> None:
    assert rows.size(value) == kept


@pytest.mark.parametrize("value", ["", "foreign", "00000000-0000-0000-0000-00000000000G", "x" * 36])
def test_what_is_no_uuid_is_seen(value: str) -> None:
    assert not rows.is_uuid(value)
    assert rows.is_uuid("fbc55363-b371-577c-a2cc-07cac4ccae3f")


def test_standings_are_ordered_by_attempt_then_stage() -> None:
    order = [
        rows.Standing(attempt, rows.RANKS[stage])
        for attempt in (1, 2)
        for stage in ("pending", "saved_only", "sent", "failed", "delivered", "read", "played")
    ]
    assert sorted(order) == order
    assert rows.Standing(1, 2).status == "sent"


@pytest.mark.parametrize(
    ("told", "kept"), [(None, None), (0, 0), (2**31 - 1, 2**31 - 1), (2**31, None), (-1, None)]
)
def test_a_number_that_an_integer_does_not_hold_is_left_out(
    told: int | None, kept: int | None
) -> None:
    assert rows.count(told) == kept
