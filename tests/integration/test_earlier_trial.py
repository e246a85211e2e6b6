"""What an earlier release would meet: its schema grown anew, the one that is there copied."""

from __future__ import annotations

import psycopg
import pytest

from rollout.decide.compatible.judge import compatible
from rollout.decide.evidence import weigh
from rollout.executors.contract import read_contract
from rollout.executors.earlier_trial import try_earlier
from rollout.model.command import Secret
from rollout.model.contract import Scope
from rollout.model.judgement import Grade
from rollout.model.target import DatabaseAddress
from tests.support.database import SCHEMA, TABLE, folder, scratch_database
from tests.support.world import facts

pytestmark = pytest.mark.rehearsal

SCOPE = Scope("postgres", without=("drizzle", "deploy"))
MADE = "CREATE EXTENSION IF NOT EXISTS no_such_extension"
TABLES = (
    "CREATE TABLE note (id serial PRIMARY KEY, body text NOT NULL, title text,"
    " CHECK (title <> 'xxx'));"
    "CREATE TABLE tag (id serial PRIMARY KEY, name varchar(20), size int)"
)
SINCE = (
    "ALTER TABLE note ADD CONSTRAINT short CHECK (length(body) < 2);"
    "ALTER TABLE tag ADD CHECK (size > -2147483648 OR size < 0)"
)


def left() -> list[str]:
    with psycopg.connect(facts()["database_admin_url"]) as connection:
        databases = "SELECT datname::text FROM pg_database WHERE datname LIKE 'trovella_scratch_%'"
        roles = "SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'trovella_walk_%'"
        return [name for (name,) in connection.execute(f"{databases} UNION {roles}".encode())]


def test_only_what_its_own_schema_took_shows_something():
    server = DatabaseAddress(Secret(facts()["database_admin_url"]))
    code = folder(MADE, TABLES)
    with scratch_database() as live:
        live.ask(TABLES)
        needs = read_contract(live.address, SCOPE, print)
        live.ask(SINCE)
        judged = compatible(needs, read_contract(live.address, SCOPE, print))
        evidence = try_earlier(
            needs, code.migrations, live.address, server, (SCHEMA, TABLE), SCOPE, print
        )
        assert live.ask("SELECT count(*) FROM note") == [(0,)]

    assert [reason.grade for reason in judged.reasons] == [Grade.RISK, Grade.RISK]
    of_note, of_tag = weigh(judged, evidence).reasons
    assert (of_note.grade, of_tag.grade) == (Grade.BREAK, Grade.RISK)
    assert "; witness: insert into note (" in of_note.finding.consequence
    assert of_note.finding.consequence.endswith("-> is refused (SQLSTATE 23514)")
    assert of_tag.finding.consequence.endswith(" statements tried, none refused")
    refused = [one.trial for one in evidence.witnesses]
    assert "insert public.note, title 'xxx'" not in refused
    assert left() == []
