"""How long a partition lets inputs gather: not for one, nor for many."""

import pytest

from streams.partition import FULL_RECORDS, LONGEST_GATHER_SECONDS, gathering


@pytest.mark.parametrize("inputs", [0, 1, FULL_RECORDS, 500])
def test_who_comes_alone_or_with_many_is_decided_at_once(inputs):
    assert gathering(inputs) == 0.0


def test_the_more_come_the_longer_the_next_wait_for_others():
    waits = [gathering(inputs) for inputs in range(2, FULL_RECORDS)]
    assert waits == sorted(waits)
    assert 0.0 < waits[0] < waits[-1] == LONGEST_GATHER_SECONDS
