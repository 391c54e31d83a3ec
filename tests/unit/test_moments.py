"""How people tell a time to any command."""

from datetime import UTC, datetime, timedelta

import pytest

from chatfold import moments
from chatfold.refusal import Refusal

NOW = datetime(2026, 1, 6, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("30s", timedelta(seconds=30)),
        ("90m", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)),
        ("2h ago", timedelta(hours=2)),
        ("2 h ago", timedelta(hours=2)),
        ("90d", timedelta(days=90)),
        (" 1w ", timedelta(weeks=1)),
        ("0d", timedelta()),
    ],
)
def test_a_time_may_be_told_as_how_long_ago(text, ago):
    assert moments.moment(text, NOW) == NOW - ago
    assert moments.is_ago(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-05", datetime(2026, 1, 5, tzinfo=UTC)),
        ("2026-01-05T20:00", datetime(2026, 1, 5, 20, tzinfo=UTC)),
        ("2026-01-05 20:00:07.25", datetime(2026, 1, 5, 20, 0, 7, 250_000, tzinfo=UTC)),
        ("2026-01-05T20:00Z", datetime(2026, 1, 5, 20, tzinfo=UTC)),
        ("2026-01-05T20:00+01:00", datetime(2026, 1, 5, 19, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_utc_and_a_day_its_first_moment(text, moment):
    assert moments.moment(text, NOW) == moment
    assert not moments.is_ago(text)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2h later", "-2h", "2y", "20:00", "99999999w", "0001-01-01T00:00+01:00"],
)
def test_what_is_no_time_is_refused_and_all_ways_are_named(text):
    with pytest.raises(Refusal, match="is no time: write") as refused:
        moments.moment(text, NOW)
    for way in ("2h", "2026-01-05)", "2026-01-05T20:00;", "UTC unless"):
        assert way in str(refused.value)
