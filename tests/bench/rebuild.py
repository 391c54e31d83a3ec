"""A rebuild of all tables, facts per second and memory, beside plain binary COPY of the same rows.

The log is that of `tests.bench.projection`. A rebuild is the command with all it does: reading,
folding, copying, indexes, statistics, catching up. `python -m tests.bench.rebuild --facts 1000000`
takes some minutes, most of them to append the log.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import orjson

from chatfold import database
from chatfold.settings import Settings
from chatfold.stack import Stack
from tests.bench import common, projection
from tests.bench.projection import FACTS
from tests.support import projecting, servers

_LOOK_SECONDS = 0.05
Told = dict[str, float]


def rebuilt(settings: Settings, postmaster: int, processes: int, name: str) -> Told:
    """One rebuild by the command: seconds, CPU, and the most memory of all its processes."""
    told: Told = {}
    arguments = ("rebuild", "tables", "--parallel", str(processes), "--into", name, "--json")
    before = os.times()
    with projection.measured(postmaster, told):
        command = subprocess.Popen(
            [sys.executable, "-m", "chatfold", "projections", *arguments],
            cwd=common.ROOT,
            env=os.environ | servers.environment(settings),
            stdout=subprocess.PIPE,
        )
        told["megabytes"] = most_memory(command)
        lines = command.stdout.read().splitlines()
    after = os.times()
    if command.returncode:
        raise RuntimeError(f"the rebuild ended with {command.returncode}")
    told["client"] = after.children_user + after.children_system
    told["client"] -= before.children_user + before.children_system
    steps = [orjson.loads(line) for line in lines[:-1]]
    return told | {"fill": told["seconds"] * _part(steps, "fill")}


def _part(steps: list[dict], step: str) -> float:
    """The part of the lines that tell of this step: they come at even times."""
    return sum(one["step"] == step for one in steps) / len(steps)


def most_memory(command: subprocess.Popen) -> float:
    """The most megabytes that the command and its children had at one time, until it ends.

    What processes share is counted once for each.
    """
    most = 0
    while command.poll() is None:
        most = max(most, sum(map(_resident, _family(command.pid))))
        time.sleep(_LOOK_SECONDS)
    return most / 1e6


def _family(pid: int) -> list[int]:
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [pid, *(one for child in found.split() for one in _family(int(child)))]


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except FileNotFoundError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


async def copied(settings: Settings, postmaster: int, facts: int) -> Told:
    """The same rows by binary COPY into the real tables with their indexes, a segment at a time."""
    connection = await database.connect(settings.database)
    schema, told = f"{settings.database_schema}_copy", {"seconds": 0.0, "postgres": 0.0}
    told["client"] = 0.0
    await projection.tables(connection, settings, schema, indexed=True)
    for segment in islice(projection.segments(), facts // FACTS):
        rows = [
            (stage.table.name, *projection._plain(stage, folded))
            for stage, folded in projection._folded(segment)
        ]
        part: Told = {}
        with projection.measured(postmaster, part):
            for table, columns, records in rows:
                await connection.copy_records_to_table(
                    table, schema_name=schema, columns=columns, records=records
                )
        told = {name: told[name] + part[name] for name in told}
    await connection.close()
    return told


@contextmanager
def filled(shared: Settings, facts: int) -> Iterator[Settings]:
    """A log of so many facts, in tables and topics that nothing else uses."""
    settings = servers.isolated(shared, "tests.bench.rebuild", Path(tempfile.mkdtemp()))
    asyncio.run(projecting.prepare(settings))
    for segment in islice(projection.segments(), facts // FACTS):
        asyncio.run(projection.append(settings, segment))
    yield settings


def show(name: str, facts: int, told: Told) -> None:
    """One line of JSON."""
    figures = {key: round(value, 2) for key, value in told.items()}
    rate = round(facts / told["seconds"])
    print(orjson.dumps({"contender": name, "facts": facts, "rate": rate} | figures).decode())


def main() -> None:
    """Run everything and tell."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=5 * FACTS)
    parser.add_argument("--rounds", type=int, default=1)
    chosen, _ = parser.parse_known_args()
    facts = chosen.facts // FACTS * FACTS
    with common.stack() as shared, filled(shared, facts) as settings:
        postmaster = Stack(shared).postgres.pid
        show("binary COPY, real tables", facts, asyncio.run(copied(settings, postmaster, facts)))
        for number in range(chosen.rounds):
            for processes in (1, 2):
                told = rebuilt(settings, postmaster, processes, f"n{number}x{processes}")
                show(f"rebuild, {processes} process(es)", facts, told)


if __name__ == "__main__":
    main()
