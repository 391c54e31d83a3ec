"""A headline as PostgreSQL marks it, in parts."""

import pytest

from projections.queries.search import parts


@pytest.mark.parametrize(
    ("headline", "wanted"),
    [
        ("", []),
        ("plain", [("plain", False)]),
        ("a \x02word\x03 b", [("a ", False), ("word", True), (" b", False)]),
        ("\x02one\x03\x02two\x03", [("one", True), ("two", True)]),
    ],
)
def test_what_is_marked_is_a_match(headline: str, wanted: list) -> None:
    assert [(one["text"], one["is_match"]) for one in parts(headline)] == wanted
