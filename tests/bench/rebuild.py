"""A rebuild of all tables, seconds, CPU and memory, beside plain binary COPY of the same rows.

The goal is 1,000,000 facts in under 20 s with 400 MB for all its processes. The log is that of
`tests.bench.decided`. A rebuild is the command with all it does: reading, folding, copying,
indexes, statistics, catching up. What is copied beside it are the rows that it made, from a file
into the real tables with all their indexes, so that nothing but PostgreSQL works.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from chatfold import database
from chatfold.settings import Settings
from chatfold.stack import Stack
from projections.registry import TABLES
from schemas import codec
from tests.bench import common, decided, projection
from tests.support import servers

FACTS = 1_000_000
_LOOK_SECONDS = 0.05
Told = dict[str, float]


def rebuilt(settings: Settings, postmaster: int, processes: int, name: str) -> Told:
    """One rebuild by the command: seconds, CPU, the most memory of all its processes, and steps."""
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
        steps: list[tuple[str, float]] = []
        listening = threading.Thread(target=lambda: steps.extend(_steps(command)))
        listening.start()
        told["megabytes"] = most_memory(command)
        listening.join()
    if command.wait():
        raise RuntimeError(f"the rebuild ended with {command.returncode}")
    told["client"] = sum(os.times()[2:4]) - sum(before[2:4])
    return told | {name: end - begin for (name, begin), (_, end) in pairwise(steps)}


def _steps(command: subprocess.Popen) -> Iterator[tuple[str, float]]:
    """Each step and when it began, as the command tells."""
    last = ""
    for line in command.stdout:
        told = codec.loads(line)
        if (step := told.get("step", "ended")) != last:
            yield step, time.perf_counter()
        last = step


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


async def copied(settings: Settings, postmaster: int, build: str) -> Told:
    """The rows of the build by binary COPY into the real tables, with and without indexes."""
    connection = await database.connect(settings.database)
    source, told = f"{settings.database_schema}_tables_{build}", dict[str, float]()
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            await _saved(connection, source, table.name, Path(folder)) for table in TABLES.tables
        ]
        schema = f"{settings.database_schema}_{build}_copied"
        await projection.tables(connection, settings, schema, indexed=True)
        with projection.measured(postmaster, told):
            for name, columns, file in rows:
                await connection.copy_to_table(
                    name,
                    schema_name=schema,
                    columns=columns,
                    source=file,
                    format="binary",
                    timeout=600,
                )
    await connection.execute(f"DROP SCHEMA {schema} CASCADE")
    await connection.close()
    return told


async def _saved(connection, schema: str, table: str, folder: Path) -> tuple[str, list[str], Path]:
    """The rows of a table in a file, but for the columns that PostgreSQL makes itself."""
    query = (
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
    )
    columns = [row[0] for row in await connection.fetch(query, f"{schema}.{table}")]
    await connection.copy_from_table(
        table,
        schema_name=schema,
        columns=columns,
        output=folder / table,
        format="binary",
        timeout=600,
    )
    return table, columns, folder / table


async def dropped(settings: Settings, build: str) -> None:
    """The room of a build given back."""
    command = ("projections", "drop", "tables", build)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatfold", *command),
        env=os.environ | servers.environment(settings),
        stdout=subprocess.DEVNULL,
    )
    if await process.wait():
        raise RuntimeError(f"{build} could not be dropped")


def show(name: str, facts: int, told: Told, *, as_json: bool) -> None:
    """One line, as soon as it is measured."""
    figures = {key: round(value, 2) for key, value in told.items()}
    if as_json:
        print(codec.dumps({"contender": name, "facts": facts} | figures).decode(), flush=True)
        return
    words = "  ".join(f"{key} {value}" for key, value in figures.items())
    print(f"{name:24} {facts / told['seconds']:8.0f} facts/s  {words}", flush=True)


def _compile() -> None:
    """Let processes find bytecode, as they do wherever it is written: it is 2 s of each start."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    command = ("-m", "chatfold", "projections", "--help")
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Run everything and tell."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=FACTS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    chosen = parser.parse_args()
    _compile()
    with common.stack() as shared:
        settings = decided.log(shared, chosen.facts)
        postmaster = Stack(shared).postgres.pid
        for number in range(chosen.rounds):
            run = f"r{time.time_ns() % 10**9}n{number}"
            for processes in (1, 2):
                name = f"{run}x{processes}"
                told = rebuilt(settings, postmaster, processes, name)
                show(f"rebuild, {processes} process(es)", chosen.facts, told, as_json=chosen.json)
            told = asyncio.run(copied(settings, postmaster, f"{run}x1"))
            show("binary COPY", chosen.facts, told, as_json=chosen.json)
            for processes in (1, 2):
                asyncio.run(dropped(settings, f"{run}x{processes}"))


if __name__ == "__main__":
    main()
