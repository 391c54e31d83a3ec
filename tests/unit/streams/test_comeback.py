"""When orders come again that found no place: spread out, and no faster than places become free."""

import heapq

import pytest

from streams.agents.comeback import LATEST_SECONDS, SOONEST_SECONDS, Comeback


def test_the_first_that_finds_no_place_comes_again_soonest() -> None:
    assert Comeback(64).after(1000.0) == SOONEST_SECONDS


def test_those_sent_back_come_one_by_one_at_the_pace_at_which_places_became_free() -> None:
    comeback = Comeback(4)
    comeback.after(0.0)
    for moment in range(1, 13):
        comeback.freed(float(moment))
    pace = 12 / (12 + 4)
    waits = [comeback.after(12.0) for _ in range(3)]
    assert waits == pytest.approx([SOONEST_SECONDS + pace * number for number in (1, 2, 3)])


def test_nobody_waits_longer_than_latest() -> None:
    comeback = Comeback(1)
    waits = [comeback.after(float(moment)) for moment in range(0, 6000, 10)]
    assert max(waits) == pytest.approx(LATEST_SECONDS)


def test_once_there_was_room_the_pace_is_forgotten() -> None:
    comeback = Comeback(1)
    comeback.after(0.0)
    comeback.after(100.0)
    comeback.had_room()
    assert comeback.after(1000.0) == SOONEST_SECONDS


def test_the_pace_follows_an_account_that_was_fast_and_hangs() -> None:
    comeback = Comeback(10)
    comeback.after(0.0)
    for number in range(1000):
        comeback.freed(number * 0.01)
    for number in range(100):
        comeback.freed(10.0 + number)
    first, then = comeback.after(110.0), comeback.after(110.0)
    assert then - first == pytest.approx(1.0, rel=0.5)


def test_an_account_that_hangs_for_long_takes_little_more_of_our_time() -> None:
    """Forty orders a second for twenty minutes, of which four a second can be served."""
    fixed, spread = returns(Fixed()), returns(Comeback(64))
    assert fixed > 1_000
    assert spread < fixed / 5


class Fixed:
    """What would be if all came again after the same time."""

    def had_room(self) -> None:
        """It does not matter."""

    def freed(self, now: float) -> None:
        """It does not matter."""

    def after(self, now: float) -> float:
        return SOONEST_SECONDS


def returns(comeback: Comeback | Fixed) -> float:
    """How many come again a second in the last of twenty minutes."""
    arriving = [number / 40 for number in range(40 * 1200)]
    coming = [(moment, False) for moment in arriving]
    leaving: list[float] = []
    again = 0
    while coming:
        now, is_return = heapq.heappop(coming)
        if now > 1200:
            break
        while leaving and leaving[0] <= now:
            comeback.freed(heapq.heappop(leaving))
        again += is_return and now > 1140
        if len(leaving) < 64:
            heapq.heappush(leaving, now + 15)
        else:
            heapq.heappush(coming, (now + comeback.after(now), True))
    return again / 60
