"""The estimate is not below what real tables count, and not absurdly above."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams import tokens

FIXTURE = Path(__file__).parents[2] / "fixtures" / "tokens.json"
COUNTED = json.loads(FIXTURE.read_text())
"""Counted with the tables `o200k_base`, and with the worse of it and `cl100k_base`."""


@pytest.mark.parametrize("counted", COUNTED)
def test_no_language_is_estimated_too_low(counted: dict) -> None:
    assert counted["most"] <= tokens.estimate(counted["text"]) <= 4 * counted["o200k"]


def test_what_is_no_word_counts_more() -> None:
    assert tokens.estimate("aGVsbG8gd29ybGQgdGhpcyBpcyBhIHRlc3Qgb2YgYmFz") > 30


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(one: str, more: str) -> None:
    assert tokens.estimate(f"{one} {more}") >= tokens.estimate(one)


@given(st.text(max_size=500), st.integers(-5, 200))
def test_a_cut_text_fits_and_is_its_beginning(text: str, most: int) -> None:
    shown = tokens.cut(text, most)
    assert tokens.estimate(shown) <= max(most, 0)
    assert text.startswith(shown.removesuffix(tokens.CUT))
    if tokens.estimate(text) <= most:
        assert shown == text
