"""Facts per second into Parquet, by `chatfold export events` as an analyst starts it.

The goal is 1,000,000 in under 30 s. The log is that of `tests.bench.decided`; it is made first and
not measured. Beside the wall clock stands the CPU of all its processes, which repeats, and the most
memory that they had together.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chatfold.settings import Settings
from schemas import codec
from tests.bench import common, decided
from tests.bench.rebuild import most_memory
from tests.support import servers

FACTS = 1_000_000


def main() -> None:
    """Export, and tell what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=FACTS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--parallel", type=int, nargs="*", default=[1, 2], help="processes")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    chosen = parser.parse_args()
    with common.stack() as shared:
        settings = decided.log(shared, chosen.facts)
        for _ in range(chosen.rounds):
            for processes in chosen.parallel:
                with tempfile.TemporaryDirectory() as folder:
                    told = export(settings, Path(folder), processes)
                    show({"processes": processes} | told, as_json=chosen.json)


def export(settings: Settings, place: Path, processes: int) -> dict[str, float]:
    """What one export of all facts took."""
    before, began = os.times(), time.perf_counter()
    words = ("events", "--to", str(place), "--parallel", str(processes))
    with tempfile.TemporaryFile() as out:
        command = subprocess.Popen(
            [sys.executable, "-m", "chatfold", "export", *words, "--json"],
            env=os.environ | servers.environment(settings),
            stdout=out,
        )
        most = most_memory(command)
        seconds, after = time.perf_counter() - began, os.times()
        if command.wait():
            raise RuntimeError(f"the export ended with {command.returncode}")
        out.seek(0)
        rows = codec.loads(out.readlines()[-1])[0]["rows"]
    cpu = sum(after[2:4]) - sum(before[2:4])
    return {
        "rows": rows,
        "seconds": seconds,
        "rows per second": rows / seconds,
        "CPU seconds": cpu,
        "CPU µs per row": cpu / rows * 1e6,
        "most memory (MB)": most,
        "parquet (MB)": sum(f.stat().st_size for f in place.rglob("*.parquet")) / 1e6,
    }


def show(measured: dict[str, float], *, as_json: bool) -> None:
    """One line, as soon as it is measured."""
    if as_json:
        print(codec.dumps(measured).decode(), flush=True)
    else:
        print("  ".join(f"{name} {value:,.1f}" for name, value in measured.items()), flush=True)


if __name__ == "__main__":
    main()
