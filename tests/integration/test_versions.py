"""The oldest and the newest PostgreSQL: the same schema gives the same contract and judgement."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from rollout.decide.compatible.judge import compatible
from rollout.executors.catalog import read_catalog
from rollout.executors.contract import contract_on
from rollout.migrations.segments import plan_segments
from rollout.model.contract import Contract, Scope
from rollout.model.judgement import Grade
from tests.support.contract_changes import CHANGES
from tests.support.contract_lab import contract_lab
from tests.support.database import scratch_database
from tests.support.lab import BASE
from tests.support.migrations import migration
from tests.support.rule_cases import BAD, OK
from tests.support.servers import NEWEST, OLDEST, REHEARSED, Servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.catalog import Table
    from tests.support.contract_lab import Lab

pytestmark = pytest.mark.rehearsal

# Beside the labs: what PostgreSQL 18 keeps in another way, and what 15 is the first to have.
MORE = """
CREATE TABLE kept (
    id int CONSTRAINT kept_id NOT NULL, at tstzrange NOT NULL, twice int GENERATED ALWAYS AS
    (id * 2) STORED, code text COLLATE "C", EXCLUDE USING gist (at WITH &&),
    CONSTRAINT kept_key UNIQUE NULLS NOT DISTINCT (id, code) DEFERRABLE
);
CREATE TABLE kept_more (LIKE kept INCLUDING ALL);
CREATE TABLE kept_child (extra int NOT NULL) INHERITS (kept);
ALTER TABLE kept_child ALTER COLUMN code SET NOT NULL;
CREATE DOMAIN needed AS text NOT NULL CONSTRAINT needed_long CHECK (length(VALUE) > 1);
CREATE TABLE uses (a needed, b needed DEFAULT 'xx');
CREATE VIEW seen WITH (security_invoker) AS SELECT id FROM kept;
ALTER TABLE kept ENABLE ROW LEVEL SECURITY;
CREATE POLICY kept_some ON kept FOR UPDATE USING (id > 0) WITH CHECK (id < 9);
"""


@pytest.fixture(scope="module", params=[OLDEST, NEWEST])
def other(request: pytest.FixtureRequest, servers: Servers) -> str:
    return servers.url(request.param)


@pytest.fixture(scope="module")
def lab(other: str) -> Iterator[Lab]:
    with contract_lab(other) as lab:
        yield lab


def contract_of(sql: str, server: str) -> Contract:
    with (
        scratch_database(on=server) as scratch,
        psycopg.connect(scratch.url, autocommit=True) as connection,
    ):
        connection.execute(sql.encode())
        return contract_on(connection, Scope(connection.info.user))


def without_views(contract: Contract) -> Contract:
    """Return a contract without the text of its views, which is the server's own."""
    return replace(
        contract,
        relations=tuple(
            replace(one, definition="") if one.kind.endswith("view") else one
            for one in contract.relations
        ),
    )


@pytest.mark.parametrize("sql", [BASE, MORE], ids=["base", "more"])
def test_a_schema_has_one_contract_on_every_version(sql: str, other: str, servers: Servers):
    rehearsed = contract_of(sql, servers.url(REHEARSED))
    here = contract_of(sql, other)

    assert without_views(here) == without_views(rehearsed)
    assert len(rehearsed.relations) > 4
    # The newer ones leave out what a name in a view's text does not need: nothing that reads it.
    assert compatible(rehearsed, here).grade <= Grade.RISK


def test_the_lab_has_one_contract_on_every_version(lab: Lab):
    with contract_lab() as rehearsed:
        here, there = (without_views(replace(one.contract, role="")) for one in (lab, rehearsed))

    assert here == there


def test_a_change_is_judged_alike_on_every_version(lab: Lab):
    with lab.trying() as changed:
        found = {one.name: compatible(lab.contract, changed(one)).grade for one in CHANGES}

    assert found == {change.name: change.grade for change in CHANGES}


def stays_in_one_transaction(sql: str) -> bool:
    segments = plan_segments(migration(sql))
    return [one.mode for one in segments] == ["transaction"] and "COMMIT" not in sql


def test_each_rules_cases_run_on_every_version(other: str):
    cases = sorted({sql for some in (*OK.values(), *BAD.values()) for sql in some})
    ran = []
    with ExitStack() as open_ones:
        base = open_ones.enter_context(scratch_database(on=other))
        base.ask(BASE)
        connection = open_ones.enter_context(psycopg.connect(base.url))
        for sql in cases:
            if stays_in_one_transaction(sql):
                for part in migration(sql).statements:
                    connection.execute(part.encode())
                connection.rollback()
                ran.append(sql)
        connection.close()
        for sql in set(cases) - set(ran):
            with scratch_database(base.name, other) as copy:
                for part in migration(sql).statements:
                    copy.ask(part)

    assert len(ran) > 60


def test_the_catalog_is_read_alike_on_every_version(other: str, servers: Servers):
    read = []
    for server in (other, servers.url(REHEARSED)):
        with (
            scratch_database(on=server) as scratch,
            psycopg.connect(scratch.url, autocommit=True) as connection,
        ):
            connection.execute(BASE.encode())
            read.append(read_catalog(connection))

    here, there = ({name: comparable(table) for name, table in one.tables.items()} for one in read)
    assert here == there


def comparable(table: Table) -> Table:
    """Return a table without its size, and without what only PostgreSQL 18 calls a constraint."""
    kept = tuple(one for one in table.constraints if one.kind != "not null")
    return replace(table, size_bytes=0, constraints=kept)
