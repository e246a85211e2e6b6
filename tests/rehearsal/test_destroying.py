"""A migration that destroys data, through the whole pipeline: refused, accepted, backed up before.

One world, in order. The column is made by hand, so that no code of the application needs it.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from infra.rehearsal.facts import DATABASE_INSTANCE
from tests.support.sql_admin import Instance
from tests.support.world import (
    commit,
    commit_with,
    facts,
    newest,
    on_host,
    retry,
    serving_version,
    trigger,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.rehearsal

DROP = 'ALTER TABLE "note" DROP COLUMN IF EXISTS "doomed";'
RULE = ("drop-column",)
INSTANCE = Instance(DATABASE_INSTANCE)


def ask(query: str) -> list[tuple[Any, ...]]:
    """Ask the application's database as its own role, and return the rows."""
    with closing(psycopg.connect(facts()["database_url"], autocommit=True)) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def has_column() -> bool:
    found = ask("select 1 from pg_attribute where attname = 'doomed' and not attisdropped")
    return bool(found)


@pytest.fixture(scope="module")
def served() -> str:
    if not on_host("readlink /opt/trovella/current || true").strip():
        run = trigger("deploy", commit=commit())
        assert run.exit_code == 0, run.log
    return serving_version()


@pytest.fixture(scope="module")
def dropping(served: str) -> Iterator[str]:
    """Return a commit that drops a column with values.

    What it did is forgotten afterwards, and what served before serves again: to deploy this one
    once more would be refused, because its migration counts as one that is still to be applied.
    """
    ask("alter table note add column doomed text default 'a value'")
    before = ask("select coalesce(max(id), 0) from drizzle.__drizzle_migrations")[0][0]
    INSTANCE.change(backups=[], fate="done")
    version = commit_with("drop_doomed", DROP)
    try:
        yield version
    finally:
        ask("alter table note drop column if exists doomed")
        ask(f"delete from drizzle.__drizzle_migrations where id > {before}")
        INSTANCE.change(backups=[], fate="done")
        if serving_version() == version:
            back = trigger("rollback", to=served, reason="the test is over")
            assert back.exit_code == 0, back.log


def test_it_is_refused_until_the_rule_is_named(dropping: str, served: str):
    run = trigger("deploy", commit=dropping)

    assert run.state == "Failed", run.log
    for word in ("doomed and all its values go", "\nleft: ", "`accept` naming drop-column"):
        assert word in run.message
    (row,) = [row for row in json.loads(newest("migrations")) if "doomed" in row["statement"]]
    assert row["finding"].startswith("drop-column: ")
    assert row["second opinion"] == "ban-drop-column: Dropping a column may break existing clients."
    assert has_column()
    assert INSTANCE.runs() == []
    assert serving_version() == served


def test_a_dry_run_says_that_a_backup_would_come_first(dropping: str):
    run = trigger("deploy", commit=dropping, dry_run=True, accept=RULE)

    assert run.exit_code == 0, run.log
    assert f"a backup of {DATABASE_INSTANCE} comes first" in run.log
    assert has_column()
    assert INSTANCE.runs() == []


def test_without_its_backup_nothing_is_applied_and_a_retry_takes_it_up(dropping: str, served: str):
    INSTANCE.change(fate="failed")
    run = trigger("deploy", commit=dropping, accept=RULE)

    assert run.state == "Failed", run.log
    for word in ("failed: INTERNAL_ERROR", "\nleft: Nothing was changed.", "\nnext: "):
        assert word in run.message
    assert run.tasks["migrate-prod"] == "Failed"
    assert has_column()
    assert serving_version() == served

    INSTANCE.change(fate="done")
    again = retry(run.flow_run_id)

    assert again.state == "Completed", again.message
    assert serving_version() == dropping
    assert not has_column()
    failed, backup = INSTANCE.runs()
    assert (failed["status"], backup["status"]) == ("FAILED", "SUCCESSFUL")
    assert "_drop_doomed.sql, statement 1, line 1" in backup["description"]
    # Applying begins after the marker, and the marker knows the backup's number.
    markers = ask("select backup from deploy.migration_marker order by id desc limit 1")
    assert markers == [(backup["id"],)]
