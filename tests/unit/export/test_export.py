"""What an export is made of: columns of records, and how many processes make them."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chatfold import clock
from chatfold.archive import storage as storages
from chatfold.export import arrow, shares
from chatfold.export.alone import alone
from chatfold.export.asked import Choice
from chatfold.export.exporting import Exporting
from chatfold.export.shapes import SHAPES
from chatfold.refusal import Refusal
from schemas import codec

EVENTS = SHAPES["events"]
TOLD = [("ce_id", b"a.0"), ("ce_type", b"X.v1"), ("ce_sequence", b"7"), ("ce_tenant", b"acme")]


@dataclass
class Told:
    headers: list = field(default_factory=lambda: list(TOLD))
    offset: int = 0
    timestamp: int = 1_767_225_600_000
    value: bytes | None = b"{}"
    key: bytes | None = None


def rows(*headers: list) -> list[tuple]:
    records = [Told(headers=list(one), offset=n) for n, one in enumerate(headers)]
    found = arrow.of_log(EVENTS, 2, records).to_pylist()
    names = ("partition", "offset", "id", "type", "sequence", "tenant_id", "chat_id")
    return [tuple(one[name] for name in names) for one in found]


def row(offset: int, **other: object) -> tuple:
    told = {"id": "a.0", "type": "X.v1", "sequence": 7, "tenant": "acme"} | other
    return (2, offset, told["id"], told["type"], told["sequence"], told["tenant"], None)


@pytest.mark.parametrize(
    "others",
    [
        [TOLD],
        [TOLD[::-1]],
        [[*TOLD, ("more", b"1")]],
        [TOLD[:1], TOLD],
        [[TOLD[1], TOLD[0], *TOLD[2:]], TOLD],
        [[TOLD[0], *TOLD], TOLD],
    ],
)
def test_headers_in_any_order_are_the_same_columns(others):
    found = rows(TOLD, *others)
    wanted = [row(0)]
    for offset, one in enumerate(others, 1):
        told = dict(one)
        names = {"id": "ce_id", "type": "ce_type", "tenant": "ce_tenant"}
        plain = {k: told[of].decode() if of in told else None for k, of in names.items()}
        wanted.append(row(offset, **plain, sequence=int(told.get("ce_sequence", b"0"))))
    assert found == wanted


def test_no_records_are_no_rows():
    assert rows() == []


def test_who_chose_gets_as_many_processes_and_else_two_where_it_is_worth_it(monkeypatch):
    monkeypatch.setattr(shares.os, "cpu_count", lambda: 8)
    assert shares.processes(3, 0) == 3
    assert shares.processes(None, shares.LARGE - 1) == 1
    assert shares.processes(None, shares.LARGE) == 2
    monkeypatch.setattr(shares.os, "cpu_count", lambda: 1)
    assert shares.processes(None, shares.LARGE) == 1


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_arrow_does_without_pandas_which_can_be_used_all_the_same():
    told = run(
        "import sys; from chatfold.export import arrow; arrow.spare()\n"
        "import pyarrow as pa; table = pa.table({'a': pa.array(['b'])})\n"
        "print('pandas' in sys.modules)\n"
        "import pandas; print(table.to_pandas()['a'][0])"
    )
    assert told.split() == ["False", "b"]


def test_commands_are_there_without_the_extra():
    told = run(
        "import sys; sys.modules['pyarrow'] = sys.modules['duckdb'] = None\n"
        "from chatfold.cli.everything import app; print(len(app.registered_commands) > 3)"
    )
    assert told == "True"


async def test_files_that_were_begun_and_do_not_count_are_removed_when_it_goes_on(tmp_path):
    storage = storages.opened(str(tmp_path), Path(), named_by="--to")
    stale, counted = "events/tenant=a/day=b/0-5.parquet", "events/tenant=a/day=b/0-0.parquet"
    for key in (stale, counted):
        await storage.put(key, b"rows")
    progress = {"position": 5, "open": [stale], "rows": 3, "files": 1}
    await storage.put("_export/events/0.json", codec.dumps(progress))
    exporting = Exporting(
        storage, EVENTS, Choice(format="parquet"), now=clock.now(), reach=lambda _: None
    )
    await exporting.resume()
    part = await exporting.part("0")
    assert (part.progress.position, part.progress.rows) == (5, 3)
    assert await storage.keys("events") == [counted]


async def test_an_export_begun_anew_leaves_nothing_of_the_old_one(tmp_path):
    storage = storages.opened(str(tmp_path), Path(), named_by="--to")
    for key in ("events/a.parquet", "_export/events/0.json", "inbox/b.parquet"):
        await storage.put(key, b"{}")
    exporting = Exporting(
        storage, EVENTS, Choice(format="parquet"), now=clock.now(), reach=lambda _: None
    )
    await exporting.begin_anew()
    assert await storage.keys("") == ["_export/events.json", "inbox/b.parquet"]
    assert exporting.state.open == []


@pytest.mark.parametrize("bucket", [True, False])
async def test_one_export_at_a_time_writes_to_one_place(tmp_path, bucket):
    env = {"AWS_REGION": "none-1"}
    where = f"s3://{tmp_path.name}/export" if bucket else str(tmp_path)
    storage = storages.opened(where, Path(), named_by="--to", environment=env)
    async with alone(storage, "events"):
        async with alone(storage, "inbox", patience=0):
            pass
        with pytest.raises(Refusal, match="Another export of events"):
            async with alone(storage, "events", patience=0.1):
                pass
    async with alone(storage, "events", patience=0):
        pass
