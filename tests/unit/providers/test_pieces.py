"""A text that is too long is cut where it hurts least, and nothing of it is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.pieces import TextLimit, pieces
from providers.protocol import Outgoing
from providers.registry import PROVIDERS, text_pieces
from schemas.content import Content, MessageKind
from tests.contract.provider_cases import CASES


def bytes_of(text: str) -> int:
    return len(text.encode())


def test_what_is_short_enough_stays_whole():
    assert pieces("Hello there", TextLimit(11)) == ("Hello there",)
    assert pieces("", TextLimit(11)) == ("",)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("One. Two.\n\nThree. Four", ("One. Two.", "Three. Four")),
        ("One. Two.\nThree. Four", ("One. Two.", "Three. Four")),
        ("One two three. Four five", ("One two three.", "Four five")),
        ("one two three four five", ("one two three", "four five")),
        ("onetwothreefourfive", ("onetwothreefour", "five")),
    ],
)
def test_it_is_cut_behind_a_paragraph_or_a_line_or_a_sentence_or_a_word(text, cut):
    assert pieces(text, TextLimit(15)) == cut


@given(st.text(alphabet="ab \n.ä👋", max_size=200), st.integers(4, 30))
def test_no_piece_is_too_long_and_nothing_but_white_space_is_lost(text, most):
    cut = pieces(text, TextLimit(most, bytes_of))
    assert all(bytes_of(piece) <= most for piece in cut)
    assert "".join("".join(cut).split()) == "".join(text.split())


def is_taken(name: str, text: str) -> bool:
    case = CASES[name]
    message = Outgoing(
        account="200",
        to=case.to,
        content=Content(kind=MessageKind.TEXT, text=text),
        reply_to=None,
        reference="reply-1",
    )
    sending = PROVIDERS[name].send(message, case.credentials, case.base_url)
    return next(sending, None) is not None  # what is refused beforehand asks for nothing


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_provider_takes_what_its_limit_allows_and_no_more(name):
    limit = PROVIDERS[name].text_limit
    assert is_taken(name, "x" * limit.most)
    assert not is_taken(name, "x" * (limit.most + 1))
    cut = text_pieces(name, "word \N{WAVING HAND SIGN} " * 20_000)
    assert len(cut) > 1
    assert all(is_taken(name, piece) for piece in cut)
