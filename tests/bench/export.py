"""Facts per second into Parquet, by `chatfold export events` as an analyst starts it.

The goal is 1,000,000 in under 30 s. The log is that of `tests.bench.decided`; it is made first and
not measured. Beside the wall clock stands the CPU of the export, which repeats.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chatfold.settings import Settings
from schemas import codec
from tests.bench import common, decided
from tests.support import servers

FACTS = 1_000_000


def main() -> None:
    """Export, and tell what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=FACTS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    chosen = parser.parse_args()
    with common.stack() as shared:
        settings = decided.log(shared, chosen.facts)
        for _ in range(chosen.rounds):
            with tempfile.TemporaryDirectory() as folder:
                show(export(settings, Path(folder)), as_json=chosen.json)


def export(settings: Settings, place: Path) -> dict[str, float]:
    """What one export of all facts took."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "chatfold", "export", "events", "--to", str(place), "--json"],
        env=os.environ | servers.environment(settings),
        check=True,
        capture_output=True,
    )
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = codec.loads(done.stdout)[0]["rows"]
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return {
        "rows": rows,
        "seconds": seconds,
        "rows per second": rows / seconds,
        "CPU seconds": cpu,
        "CPU µs per row": cpu / rows * 1e6,
        "peak memory (MB)": used.ru_maxrss / 1024,
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
