"""The dry run on a real server: the live database is only read, and the copy tells the truth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from rollout.decide.drift import decide_drift
from rollout.decide.dry_run import decide_dry_run, planned_by
from rollout.decide.migrate import decide_migrations
from rollout.errors import MigrationFailed
from rollout.executors.contract import read_contract
from rollout.executors.dry_run import try_migrations
from rollout.migrations.judge import judge
from rollout.migrations.sql import parse_sql
from rollout.model.command import Secret
from rollout.model.contract import Scope
from rollout.model.dry_run import DryRun
from rollout.model.finding import Finding, Go, Refuse
from rollout.model.statement import Lock
from rollout.model.target import DatabaseAddress
from rollout.policy import DryRunPolicy
from tests.support.database import SCHEMA, TABLE, Scratch, folder, scratch_database
from tests.support.lab import BASE
from tests.support.scratch import scratch_names
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.decide.migrate import MigrationPlan
    from rollout.migrations.journal import Journal
    from rollout.model.contract import Contract
    from rollout.model.statement import Effect

pytestmark = pytest.mark.rehearsal

SCOPE = Scope("postgres", without=("drizzle", "deploy"))
UNKNOWN = Finding("no-contract", "nothing serves yet", "the host", "Nothing to do.")
STATEMENTS = (
    "ALTER TABLE note ADD COLUMN c text NOT NULL DEFAULT 'x'",
    "ALTER TABLE note ADD CONSTRAINT n FOREIGN KEY (amount) REFERENCES author (id)",
    "CREATE INDEX i ON note (amount)",
    "ALTER TABLE note VALIDATE CONSTRAINT note_done",
    "DROP TABLE app.setting",
    "UPDATE plain SET label = 'x' WHERE id = 1",
    "CREATE TABLE fresh (id int REFERENCES author (id))",
    "ALTER TABLE fresh ADD COLUMN more text",
    "COMMENT ON TABLE note IS 'x'",
    "CREATE TRIGGER t AFTER INSERT ON author FOR EACH ROW EXECUTE FUNCTION touch()",
)


@pytest.fixture(scope="module")
def database() -> Iterator[Scratch]:
    with scratch_database() as made:
        made.ask(BASE)
        yield made


def plan_of(live: Scratch, journal: Journal) -> MigrationPlan:
    with live.open() as database:
        return decide_migrations(journal, database.applied(SCHEMA, TABLE), None)


def tried(
    live: Scratch, *texts: str, server: str = "", serving: Contract | Finding = UNKNOWN
) -> DryRun | Finding:
    plan = plan_of(live, folder(*texts))
    address = DatabaseAddress(Secret(server or facts()["database_admin_url"]))
    return try_migrations(
        live.address, address, plan.pending, (SCHEMA, TABLE), SCOPE, serving, live.log
    )


def ran(live: Scratch, *texts: str) -> DryRun:
    run = tried(live, *texts)
    assert isinstance(run, DryRun), run
    return run


def strong(effects: tuple[Effect, ...]) -> dict[str, Lock]:
    return {one.table: one.lock for one in effects if one.lock >= Lock.ROW_EXCLUSIVE}


def test_each_statement_takes_the_locks_that_were_predicted(database: Scratch):
    journal = folder(*STATEMENTS)
    with database.open() as opened:
        catalog = opened.catalog()
    parsed = [one for file in journal.migrations for one in parse_sql(file)[0]]
    predicted = [strong(one.effects) for one in judge(parsed, catalog)]

    run = ran(database, *STATEMENTS)

    assert run.failure is None
    assert [strong(one.taken) for one in run.traced] == predicted
    assert all(one.seconds > 0 for one in run.traced)


def test_locks_that_a_file_holds_already_are_told_apart_from_those_that_a_part_takes(
    database: Scratch,
):
    parts = "\n--> statement-breakpoint\n".join(
        (
            "SET LOCAL search_path = app",
            "UPDATE public.note SET amount = 1 WHERE id = 1",
            "ALTER TABLE public.note ADD COLUMN c text",
            "ALTER TABLE public.note ADD COLUMN d text",
        )
    )

    run = ran(database, parts, "CREATE INDEX CONCURRENTLY i ON note (amount)")

    assert [strong(one.taken) for one in run.traced] == [
        {},
        {"public.note": Lock.ROW_EXCLUSIVE},
        {"public.note": Lock.ACCESS_EXCLUSIVE},
        {},
        {},
    ]
    assert strong(run.traced[3].held or ()) == {"public.note": Lock.ACCESS_EXCLUSIVE}
    assert run.traced[4].held is None


def test_the_copy_becomes_what_the_live_schema_becomes_and_drift_is_named():
    with scratch_database() as live:
        live.apply(folder("CREATE TABLE note (id serial PRIMARY KEY, body text)"))
        texts = (
            "CREATE TABLE note (id serial PRIMARY KEY, body text)",
            "ALTER TABLE note ADD COLUMN title varchar(20) NOT NULL DEFAULT ''",
        )
        plan = plan_of(live, folder(*texts))
        before = live.rows()
        run = ran(live, *texts)
        planned = planned_by(plan, run)

        assert live.rows() == before
        assert run.live == run.copy
        assert [
            one.where for one in decide_dry_run(run, run.live, (), DryRunPolicy()).findings
        ] == []

        live.apply(folder(*texts))
        became = read_contract(live.address, SCOPE, print)
        assert became == run.after
        assert decide_drift(planned, became, DryRunPolicy()) == Go()

        live.ask("ALTER TABLE note ADD CHECK (title <> 'no')")
        drifted = decide_drift(planned, read_contract(live.address, SCOPE, print), DryRunPolicy())
        assert isinstance(drifted, Go)
        (finding,) = drifted.findings
        assert (finding.rule, finding.where) == ("schema-drift", "public.note")
        assert finding.consequence.endswith("is only in the live database")

        live.ask("ALTER TABLE note DROP COLUMN title")
        broken = decide_drift(planned, read_contract(live.address, SCOPE, print), DryRunPolicy())
        assert isinstance(broken, Refuse)
        assert broken.findings[0].where == "public.note.title"


def test_a_migration_that_breaks_the_serving_code_is_refused_until_it_is_accepted(
    database: Scratch,
):
    run = ran(database, "ALTER TABLE note DROP COLUMN title")

    refused = decide_dry_run(run, run.live, (), DryRunPolicy())
    accepted = decide_dry_run(run, run.live, ("column-gone",), DryRunPolicy())

    assert isinstance(refused.verdict, Refuse)
    assert ("column-gone", "public.note.title") in {
        (one.rule, one.where) for one in refused.verdict.findings
    }
    assert isinstance(accepted.verdict, Go)


def test_a_migration_that_fails_on_the_copy_leaves_neither_there_nor_here_anything(
    database: Scratch,
):
    run = ran(database, "CREATE TABLE first (id int)", "ALTER TABLE missing ADD COLUMN c text")

    assert run.after is None
    assert run.failure is not None
    assert run.failure.consequence.startswith(
        "it fails on a scratch copy of the live schema: 0001_step.sql, statement 1: relation"
    )
    assert "42P01" in run.failure.consequence
    assert [one.file for one in run.traced] == ["0000_step.sql"]
    assert database.ask("SELECT to_regclass('first'), to_regclass('drizzle.x')") == [(None, None)]
    assert scratch_names(facts()["database_admin_url"]) == set()
    assert isinstance(decide_dry_run(run, run.live, (), DryRunPolicy()).verdict, Refuse)


def test_a_file_that_was_begun_on_the_live_database_is_finished_on_the_copy():
    parts = "\n--> statement-breakpoint\n".join(
        (
            "CREATE TABLE note (id int)",
            "INSERT INTO note VALUES (1), (1)",
            "CREATE UNIQUE INDEX CONCURRENTLY one ON note (id)",
        )
    )
    with scratch_database() as live:
        with pytest.raises(MigrationFailed, match="23505"):
            live.apply(folder(parts))
        run = ran(live, parts)

    assert run.failure is None
    assert [(one.number, one.held) for one in run.traced] == [(3, None)]


@pytest.mark.parametrize("known", [True, False])
def test_a_risk_is_graded_by_what_the_serving_code_would_send(known: bool):
    with scratch_database() as live:
        live.ask(
            "CREATE TABLE note (id serial PRIMARY KEY, body text, size int);"
            "CREATE TABLE tag (id serial PRIMARY KEY, name varchar(20))"
        )
        serving = read_contract(live.address, SCOPE, print) if known else UNKNOWN
        run = tried(
            live,
            "CREATE UNIQUE INDEX one ON note (body)",
            "ALTER TABLE note ADD CHECK (size > -2147483648 OR size < 0)",
            "DO $$ BEGIN EXECUTE 'DROP TRIGGER IF EXISTS t ON tag'; END $$",
            serving=serving,
        )
        assert live.ask("SELECT count(*) FROM note") == [(0,)]

    assert isinstance(run, DryRun)
    found = decide_dry_run(run, serving, (), DryRunPolicy())
    told = {one.rule: one.consequence for one in found.findings}
    assert set(told) - {"no-serving-contract"} == {"new-key", "new-check"}
    assert "; witness: insert into note (" in told["new-key"]
    assert told["new-key"].endswith(" -> is refused (SQLSTATE 23505)")
    assert re.search(r"; [1-9]\d* statements tried, none refused$", told["new-check"])
    assert isinstance(found.verdict, Refuse)
    assert [one.rule for one in found.verdict.findings] == ["new-key"]
    accepted = decide_dry_run(run, serving, ("new-key",), DryRunPolicy())
    assert isinstance(accepted.verdict, Go)
    assert scratch_names(facts()["database_admin_url"]) == set()


def test_with_a_server_that_nobody_answers_at_there_is_a_finding(
    database: Scratch,
):
    away = tried(database, "SELECT 1", server="postgresql://me:x7y8z9@10.77.0.11:9/postgres")

    assert isinstance(away, Finding)
    assert away.rule == "no-dry-run"
    assert "10.77.0.11:9 cannot be reached" in away.consequence
    assert "x7y8z9" not in f"{away} {database.logged}"
