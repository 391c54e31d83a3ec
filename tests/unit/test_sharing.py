"""How work is shared by processes."""

from chatfold import sharing


def test_partitions_are_divided_into_parts_that_are_about_as_long():
    ends = {0: (0, 100), 1: (50, 90), 2: (0, 60), 3: (10, 30)}
    parts = sharing.divided(ends, 2)
    assert sorted(partition for part in parts for partition in part) == [0, 1, 2, 3]
    lengths = [sum(end - first for first, end in part.values()) for part in parts]
    assert lengths == [120, 100]


def test_no_part_is_empty():
    assert sharing.divided({0: (0, 1)}, 3) == [{0: (0, 1)}]
    assert sharing.divided({}, 3) == []
