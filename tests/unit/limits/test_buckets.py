"""Turns never come faster than the rate allows, and nobody is told to come when all others do."""

from hypothesis import given
from hypothesis import strategies as st

from chatfold.limits.buckets import Buckets
from providers.rates import Rate, at_most
from streams.ports import AT_ONCE, Crowded, Turn

A_SECOND = Rate(1.0, burst=3)
LONG = 1_000.0

rates = st.builds(Rate, st.sampled_from([0.01, 0.2, 1.0, 6.0]), st.integers(1, 45))
gaps = st.lists(st.floats(0, 20, allow_nan=False), min_size=1, max_size=200)


def waits(buckets: Buckets, count: int, now: float, longest: float = LONG) -> list[float]:
    return [buckets.book("a", A_SECOND, longest, now).wait for _ in range(count)]


def test_a_burst_goes_at_once_and_the_rest_one_by_one() -> None:
    assert waits(Buckets(), 6, now=100.0) == [0, 0, 0, 1, 2, 3]


def test_a_quiet_time_gives_the_burst_back_and_no_more() -> None:
    buckets = Buckets()
    waits(buckets, 3, now=100.0)
    assert waits(buckets, 4, now=200.0) == [0, 0, 0, 1]


def test_keys_do_not_count_against_each_other() -> None:
    buckets = Buckets()
    waits(buckets, 9, now=100.0)
    assert buckets.book("b", A_SECOND, 0.0, 100.0) is AT_ONCE


@given(rate=rates, gaps=gaps)
def test_no_stretch_of_time_holds_more_than_the_rate_allows(rate: Rate, gaps: list[float]) -> None:
    buckets, now, times = Buckets(), 0.0, []
    for gap in gaps:
        now += gap
        turn = buckets.book("a", rate, LONG, now)
        if isinstance(turn, Turn):
            times.append(now + turn.wait)
    times.sort()
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            allowed = rate.burst + (times[last] - start) / rate.interval
            assert last - first + 1 <= allowed + 1e-6


def test_the_rate_of_a_provider_that_counts_by_the_minute_holds_in_any_minute() -> None:
    buckets, rate = Buckets(), at_most(20, seconds=60, at_once=5)
    times = [buckets.book("a", rate, LONG, 0.0).wait for _ in range(60)]
    fullest = max(sum(start <= one < start + 60 for one in times) for start in times)
    assert 19 <= fullest <= 20


def test_who_would_wait_too_long_gets_no_turn_and_a_moment_of_his_own() -> None:
    buckets = Buckets()
    waits(buckets, 5, now=0.0)
    answers = [buckets.book("a", A_SECOND, 2.0, 0.0) for _ in range(3)]
    assert answers == [Crowded(4.0), Crowded(5.0), Crowded(6.0)]
    assert buckets.book("a", A_SECOND, 2.0, 4.0) == AT_ONCE


def test_what_was_handed_out_is_told_once_and_what_all_did_is_learnt() -> None:
    buckets = Buckets()
    waits(buckets, 2, now=0.0)
    assert buckets.take_untold() == {"a": 2.0}
    assert not buckets.has_untold
    waits(buckets, 1, now=0.0)
    buckets.learn({"a": 10.0}, now=0.0)
    assert waits(buckets, 1, now=0.0) == [9.0]  # ten of all, the untold one, two of the burst
    assert buckets.take_untold() == {"a": 2.0}


def test_alone_among_three_everybody_takes_a_third() -> None:
    buckets = Buckets()
    buckets.share = 3
    assert waits(buckets, 5, now=0.0) == [0, 0, 0, 3, 6]


def test_what_is_over_is_forgotten() -> None:
    buckets = Buckets()
    waits(buckets, 2, now=0.0)
    buckets.sweep(1.0)
    assert len(buckets) == 1
    buckets.take_untold()
    buckets.sweep(3.0)
    assert len(buckets) == 0
