"""Runs contenders in turn, several rounds, and measures the CPU of each one's own process.

Wall-clock swings on a shared machine; CPU per item repeats within 5-15 %. Compare only within
one run.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from chatfold.settings import Settings
from schemas import codec
from tests.support import servers

ROOT = Path(__file__).parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


class Child:
    """A process of ours, and the CPU it has used."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS

    def ask(self, line: str) -> dict[str, float]:
        """Send a line to it and read the JSON it answers with."""
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return codec.loads(self.process.stdout.readline().encode())


def stack() -> AbstractContextManager[Settings]:
    """Servers for benchmarks; the broker runs as one that was not started for a test."""
    return servers.shared("bench", kafka_opts="-XX:TieredStopAtLevel=4")


@contextmanager
def child(*arguments: str, env: Mapping[str, str] | None = None) -> Iterator["Child"]:
    """A process `python -m ...` that has printed `ready`; ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | (env or {}),
    )
    try:
        line = process.stdout.readline()
        if line.strip() != "ready":
            raise RuntimeError(f"{arguments} said {line!r} instead of 'ready'")
        yield Child(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Run:
    """One round of one contender: how many items, in what time, and what else was seen."""

    items: int
    seconds: float
    cpu_seconds: float
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Contender:
    """Something to measure: `open` starts it and yields a function that runs one round."""

    name: str
    open: Callable[[], AbstractContextManager[Callable[[], Run]]]


@dataclass(frozen=True)
class Result:
    """The rounds of one contender together; medians, and the best."""

    name: str
    rounds: int
    items: int
    cpu_us: float
    cpu_us_least: float
    cpu_us_most: float
    rate: float
    rate_best: float
    figures: Mapping[str, float]


def interleaved(
    contenders: Sequence[Contender], rounds: int, *, warms_servers: bool = True
) -> list[Result]:
    """Each contender once per round, in turn, so that all meet the same disturbances.

    With `warms_servers` a first round is not counted. What each run has come to is told at once.
    """
    runs: dict[str, list[Run]] = {one.name: [] for one in contenders}
    for number in range(0 if warms_servers else 1, rounds + 1):
        for one in contenders:
            print(f"round {number} of {rounds}: {one.name}", file=sys.stderr)
            with one.open() as run:
                run()  # warms up
                if number:
                    runs[one.name].append(run())
                    _tell_run(runs[one.name][-1])
    return [_result(name, found) for name, found in runs.items()]


def _tell_run(run: Run) -> None:
    figures = "  ".join(f"{name} {value:.1f}" for name, value in run.figures.items())
    cost, rate = run.cpu_seconds / run.items * 1e6, run.items / run.seconds
    print(f"    {cost:.1f} us  {rate:.0f}/s  {figures}", file=sys.stderr)


def _result(name: str, runs: Sequence[Run]) -> Result:
    costs = [run.cpu_seconds / run.items * 1e6 for run in runs]
    rates = [run.items / run.seconds for run in runs]
    names = runs[0].figures
    return Result(
        name=name,
        rounds=len(runs),
        items=sum(run.items for run in runs),
        cpu_us=round(statistics.median(costs), 1),
        cpu_us_least=round(min(costs), 1),
        cpu_us_most=round(max(costs), 1),
        rate=round(statistics.median(rates)),
        rate_best=round(max(rates)),
        figures={n: round(statistics.median([r.figures[n] for r in runs]), 2) for n in names},
    )


@contextmanager
def timed(process: Child) -> Iterator[Callable[[], tuple[float, float]]]:
    """Yields a function that tells wall-clock and CPU seconds of `process` since now."""
    began, used = time.perf_counter(), process.cpu_seconds()
    yield lambda: (time.perf_counter() - began, process.cpu_seconds() - used)


def options(
    description: str, *, rounds: int, providers: Sequence[str] = (), parts: Sequence[str] = ()
) -> argparse.Namespace:
    """The command line that all benchmarks share; the first provider is the usual one.

    Of `parts` some can be chosen.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("--rounds", type=int, default=rounds)
    if providers:
        parser.add_argument("--provider", choices=providers, default=providers[0])
    if parts:
        parser.add_argument("--only", action="append", choices=parts, help="repeatable")
    return parser.parse_args()


def tell(results: Sequence[Result], floor: str, *, as_json: bool) -> None:
    """Print the results, each also as a multiple of the floor."""
    base = next(one.cpu_us for one in results if one.name == floor)
    rows = [asdict(one) | {"times_floor": round(one.cpu_us / base, 2)} for one in results]
    if as_json:
        print(codec.dumps(rows).decode())
        return
    for row in rows:
        spread = f"{row['cpu_us_least']}-{row['cpu_us_most']}"
        extra = "  ".join(f"{name} {value}" for name, value in row["figures"].items())
        print(
            f"{row['name']:44} {row['cpu_us']:7.1f} us ({spread:>13})  x{row['times_floor']:<5}"
            f" {row['rate']:8.0f}/s best {row['rate_best']:.0f}/s  {extra}"
        )
