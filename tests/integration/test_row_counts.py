"""Rows counted on a real server: exactly where there are few, by its estimate where many."""

from __future__ import annotations

import pytest

from rollout.errors import DatabaseError
from rollout.model.contract import Scope
from rollout.model.row_count import COUNTED, RowCount
from tests.support.database import held, scratch_database

pytestmark = pytest.mark.rehearsal

SCOPE = Scope("postgres", without=("drizzle", "deploy"))
TABLES = f"""
CREATE TABLE few (id int); INSERT INTO few SELECT generate_series(1, 3);
CREATE TABLE "Odd one" () INHERITS (few); INSERT INTO "Odd one" VALUES (9);
CREATE TABLE many (id int); INSERT INTO many SELECT generate_series(1, {COUNTED + 500});
CREATE TABLE unknown (id int) WITH (autovacuum_enabled = off);
INSERT INTO unknown SELECT generate_series(1, {COUNTED + 500});
CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parted FOR VALUES IN (1); INSERT INTO parted VALUES (1), (1);
CREATE SCHEMA drizzle; CREATE TABLE drizzle.notes (id int); CREATE VIEW shown AS TABLE few;
ANALYZE few, many, parted
"""


def test_few_rows_are_counted_and_of_many_the_estimate_is_told():
    with scratch_database() as scratch, scratch.open() as database:
        assert database.count_rows(SCOPE) == ()
        scratch.ask(TABLES)

        assert database.count_rows(SCOPE) == (
            RowCount('public."Odd one"', 1),
            RowCount("public.few", 3),
            RowCount("public.many", COUNTED + 500, is_exact=False),
            RowCount("public.parted", 2),
            RowCount("public.unknown", COUNTED + 1, is_exact=False),
        )
        with (
            held(scratch, "LOCK few"),
            pytest.raises(DatabaseError, match="rows of the tables cannot be counted"),
        ):
            database.count_rows(SCOPE)
        assert len(database.count_rows(SCOPE)) == 5
