"""Each rule's cases on a real PostgreSQL: what is let pass and what is named is SQL that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollout.decide.lint import decide_lint, with_lint
from rollout.decide.migrate import decide_migrations
from rollout.migrations.lint import findings_of
from rollout.migrations.sql import parse_sql
from rollout.model.catalog import Column, Constraint
from rollout.model.finding import Go, Refuse
from rollout.policy import MigrationRules
from tests.support.database import SCHEMA, TABLE, Scratch, folder, scratch_database
from tests.support.lab import BASE
from tests.support.migrations import judged, migration
from tests.support.rule_cases import BAD, OK

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def database() -> Iterator[Scratch]:
    with scratch_database() as database:
        yield database


@pytest.fixture
def lab(database: Scratch) -> Scratch:
    database.empty()
    database.ask(BASE)
    return database


@pytest.mark.parametrize(
    "sql",
    sorted({sql for cases in (*OK.values(), *BAD.values()) for sql in cases}),
)
def test_a_case_runs(sql: str, lab: Scratch):
    parsed, problems = parse_sql(migration(sql))
    assert problems == ()

    lab.ask("set client_min_messages = error")
    for part in migration(sql).statements:
        lab.ask(part)

    assert parsed


def test_few_rows_are_known_to_be_few(lab: Scratch):
    with lab.open() as database:
        catalog = database.catalog()

    told = findings_of(judged("CREATE INDEX c ON note (at)", catalog))
    assert [said for _, said in told] == [()]


def test_a_plan_on_a_real_database_is_refused_until_the_request_accepts_it(lab: Scratch):
    journal = folder("ALTER TABLE note DROP COLUMN body;", "UPDATE note SET amount = 1;")
    with lab.open() as database:
        plan = decide_migrations(journal, database.applied(SCHEMA, TABLE), None)
        catalog = database.catalog()

    refused = with_lint(plan, decide_lint(plan.pending, catalog, (), MigrationRules()))
    accepted = decide_lint(plan.pending, catalog, ("drop-column",), MigrationRules())

    assert isinstance(refused.verdict, Refuse)
    assert [one.rule for one in refused.verdict.findings] == ["drop-column"]
    assert isinstance(with_lint(plan, accepted).verdict, Go)
    assert lab.apply(journal) == ["0000_step", "0001_step"]


def test_the_catalog_says_what_the_database_holds(lab: Scratch):
    lab.ask("CREATE TABLE never (id int); INSERT INTO never SELECT generate_series(1, 9)")
    with lab.open() as database:
        catalog = database.catalog()

    note = catalog.tables["public.note"]
    assert note.rows == 2000
    assert 100_000 < note.size_bytes < 1_000_000
    assert note.column("title") == Column("title", "character varying(50)")
    assert note.column("body") == Column("body", "text", not_null=True)
    assert note.constraint("note_kept_check") == Constraint(
        "note_kept_check", "check", "CHECK ((kept IS NOT NULL))"
    )
    assert note.constraint("note_done") == Constraint(
        "note_done", "check", "CHECK ((done IS NOT NULL)) NOT VALID", validated=False
    )
    key = note.constraint("note_author_fk")
    assert key is not None
    assert (key.kind, key.references) == ("foreign key", "public.author")
    assert catalog.owner("public.note_body_idx") == "public.note"
    assert catalog.tables["public.never"].rows is None
    assert catalog.is_small("public.never")
    assert catalog.tables["public.counts"].is_view
    event = catalog.tables["public.event"]
    assert (event.rows, event.parts) == (100, ("public.event_2025",))
    assert event.size_bytes == catalog.tables["public.event_2025"].size_bytes > 0
    assert "app.setting" in catalog.tables
    assert catalog.domains == {"positive"}
