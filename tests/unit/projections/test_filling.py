"""Rows that are new may be copied: what says so, and what a rebuild of a part of the log sees."""

import random

import pytest

from projections.filling import Filling
from projections.in_memory import MemoryTables, Row
from projections.naive import NaiveTables
from projections.new_rows import NewRows
from projections.registry import TABLES
from projections.rows import RANKS, Key, Standing
from projections.scope import WHOLE, Scope, limited
from projections.unseen import Unseen
from schemas.envelope import Recorded
from schemas.facts import Fact
from tests.support import facts, oracle
from tests.support.merged import Memory as Merged
from tests.support.merged import told


def filled(log: list[Recorded[Fact]], unseen: Unseen) -> Filling:
    filling = Filling([NewRows(table, unseen) for table in TABLES.tables])
    filling.add(write for one in log for write in TABLES.evolve(one))
    return filling


def upserts(filling: Filling) -> dict[str, set[Key]]:
    return {name: {one.key for one in found.upserts} for name, found in filling.tables.items()}


def test_a_row_is_new_once_and_known_from_then_on() -> None:
    unseen, log = Unseen(), facts.log(3, chats=4, facts=200)
    first, again = filled(log, unseen), filled(log, unseen)
    assert not any(upserts(first).values())
    assert not any(again.new)
    made = {rows.table.name: len(rows) for rows in first.new if rows}
    assert {name: len(keys) for name, keys in upserts(again).items() if keys} == made


@pytest.mark.parametrize("seed", range(5))
def test_new_rows_and_merged_ones_are_the_naive_fold_whatever_the_batches(seed: int) -> None:
    """In the order of a transaction: what looks nothing up, what is merged, and what looks up."""
    unseen, log, merged = Unseen(), facts.log(seed, chats=8, facts=900), Merged()
    for batch in facts.splits(log, random.Random(seed)):
        filling = filled(batch, unseen)
        for rows in filling.new:
            if not rows.table.lookups:
                copied(merged, rows)
        for table, folded in filling.tables.items():
            merged.merge(table, folded)
        for rows in filling.new:
            if rows.table.lookups:
                copied(merged, rows)
    naive = MemoryTables(TABLES.tables)
    naive.apply(write for one in log for write in TABLES.evolve(one))
    wanted = {name: dict(rows) for name, rows in naive.rows.items()}
    assert {name: without(rows, "last_seq") for name, rows in told(merged.rows).items()} == told(
        wanted
    )


def copied(merged: Merged, rows: NewRows) -> None:
    """Where a row is there already, PostgreSQL would refuse it."""
    there = merged.rows[rows.table.name]
    for record in rows.records:
        row = dict(zip(rows.columns, record, strict=True))
        key = tuple(row[name] for name in rows.table.key)
        assert key not in there
        if row.get("delivery_attempt") is not None:
            rank = RANKS[row["delivery_status"]]
            errors = (row["error_code"] or "", row["error_message"] or "")
            row["standing"] = Standing(row["delivery_attempt"], rank, *errors)
        there[key] = row


def without(rows: dict[Key, Row], column: str) -> dict[Key, Row]:
    return {k: {n: value for n, value in row.items() if n != column} for k, row in rows.items()}


def test_the_naive_fold_makes_the_rows_that_the_oracle_makes() -> None:
    log = facts.log(5, chats=8, facts=900)
    tables, wanted = NaiveTables(TABLES.tables, TABLES.evolve, lambda _: True), oracle.tables(log)
    for one in log:
        tables.fold(one)
    assert {name: set(rows) for name, rows in tables.rows.items()} == {
        name: set(rows) for name, rows in wanted.items()
    }
    for name, rows in wanted.items():
        for key, row in rows.items():
            assert tables.rows[name][key]["last_seq"] == row["last_seq"]


def test_a_limited_projection_sees_its_tenant_and_its_chat_only() -> None:
    log = facts.log(6, chats=6, facts=300)
    of_tenant = limited(TABLES, Scope(tenant="tenant-1"))
    of_chat = limited(TABLES, Scope(chat=log[5].chat_id))
    for one in log:
        assert bool(of_tenant.evolve(one)) <= (one.tenant == "tenant-1")
        assert bool(of_chat.evolve(one)) <= (one.chat_id == log[5].chat_id)
    assert limited(TABLES, WHOLE) is TABLES
