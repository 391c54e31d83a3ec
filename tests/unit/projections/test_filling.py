"""Rows that are new may be copied: what says so, and what a rebuild of a part of the log sees."""

import random

from projections.fold import fold
from projections.naive import NaiveTables
from projections.new_rows import new_rows
from projections.registry import TABLES
from projections.scope import WHOLE, Scope, limited
from projections.staging import STANDING
from projections.unseen import Unseen
from tests.support import facts, oracle


def test_a_row_is_new_once_and_known_from_then_on() -> None:
    unseen, log = Unseen(), facts.log(3, chats=4, facts=200)
    writes = [write for one in log for write in TABLES.evolve(one)]
    for table, folded in fold(writes).items():
        rest, new = unseen.split(table, folded)
        assert list(new) == list(folded.upserts)
        assert (rest.before, rest.patches, list(rest.upserts)) == (
            folded.before,
            folded.patches,
            [],
        )
        again, none = unseen.split(table, folded)
        assert not none
        assert list(again.upserts) == list(folded.upserts)


def test_no_row_is_called_new_after_it_was_written_whatever_the_batches() -> None:
    unseen, written = Unseen(), set()
    for batch in facts.splits(facts.log(4, chats=6, facts=600), random.Random(1)):
        writes = [write for one in batch for write in TABLES.evolve(one)]
        for table, folded in fold(writes).items():
            _, new = unseen.split(table, folded)
            assert not written & {(table, write.key) for write in new}
            written |= {(table, write.key) for write in folded.upserts}


def test_new_rows_have_what_their_writes_say_whichever_columns_others_name() -> None:
    writes = [write for one in facts.log(7, chats=40, facts=3000) for write in TABLES.evolve(one)]
    for table in TABLES.tables:
        upserts = fold(writes)[table.name].upserts
        found = [
            dict(zip(rows.columns, record, strict=True))
            for rows in new_rows(table, upserts)
            for record in rows.records
        ]
        by_key = {tuple(row[name] for name in table.key): row for row in found}
        assert len(by_key) == len(found) == len(upserts)
        for write in upserts:
            row = by_key[write.key]
            said = {**(write.initial or {}), **write.kept, **write.assigned}
            assert {name: row.get(name) for name in table.columns} == {
                name: said.get(name, row.get(name) if name in STANDING else None)
                for name in table.columns
            }
            assert row["last_seq"] == write.sequence


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
