"""Facts per second into Parquet, by `chatfold export events` as an analyst starts it.

The goal is 1,000,000 in under 30 s. The log is that of `tests.bench.projection`; it is filled first
and not measured. Beside the wall clock stands the CPU of the export, which repeats.
"""

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chatfold import topics
from chatfold.settings import Settings
from schemas import codec
from tests.bench import common, projection
from tests.support import servers

FACTS = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=FACTS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with common.stack() as shared, tempfile.TemporaryDirectory() as folder:
        settings = servers.isolated(shared, "export", Path(folder))
        filled = asyncio.run(fill(settings, chosen.facts))
        measured = export(settings, Path(folder, "export"))
    assert measured["rows"] == filled, f"{measured['rows']} rows of {filled} facts"
    if chosen.json:
        print(codec.dumps(measured).decode())
        return
    for name, value in measured.items():
        print(f"{name:<20} {value:>14,.1f}")


async def fill(settings: Settings, count: int) -> int:
    """Append about so many facts; how many they were."""
    await topics.apply(topics.plan(settings))
    done = 0
    for segment in projection.segments():
        part = segment[: count - done]
        await projection.append(settings, part)
        done += len(part)
        if done >= count:
            break
    return done


def export(settings: Settings, place: Path) -> dict[str, float]:
    """What one export of all facts took."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "chatfold", "export", "events", "--to", str(place), "--json"],
        env=os.environ | servers.environment(settings),
        check=True,
        capture_output=True,
    )
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = codec.loads(done.stdout)[0]["rows"]
    return {
        "rows": rows,
        "seconds": seconds,
        "rows per second": rows / seconds,
        "CPU seconds": used.ru_utime + used.ru_stime,
        "peak memory (MB)": used.ru_maxrss / 1024,
        "parquet (MB)": sum(f.stat().st_size for f in place.rglob("*.parquet")) / 1e6,
    }


if __name__ == "__main__":
    main()
