"""Failpoints end the process exactly there and then, and never by mistake."""

import signal
import subprocess
import sys

import pytest

from chatfold import failpoints

PROGRAM = """
from chatfold import failpoints
reach = failpoints.from_environment()
for number in range(1, 6):
    for point in ("a.before", "a.after"):
        reach(point)
        print(point, number, flush=True)
"""


def run(spec: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=False,
        env={"CHATFOLD_FAILPOINT": spec},
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.returncode, done.stdout.splitlines()


def test_the_process_is_killed_at_the_named_point_the_named_time() -> None:
    code, lines = run("a.after:3")
    assert code == -signal.SIGKILL
    assert lines[-1] == "a.before 3"


def test_without_a_number_the_first_time_counts_and_of_several_the_first_reached() -> None:
    code, lines = run("a.after:9,a.before")
    assert code == -signal.SIGKILL
    assert lines == []


def test_other_points_and_no_points_end_nothing() -> None:
    assert run("b.before")[0] == 0
    assert run("")[0] == 0


@pytest.mark.parametrize("spec", [":3", "a:", "a:0", "a:x", "a:-1"])
def test_a_spec_that_is_none_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="CHATFOLD_FAILPOINT"):
        failpoints.reach(spec)
