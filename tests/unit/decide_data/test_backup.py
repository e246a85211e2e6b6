"""Whether a backup comes before pending migrations: what destroys data, and what serves again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.decide.backup import FRESH_S, Loss, decide_loss, serves_again
from rollout.model.backup import Backup
from tests.support.migrations import migration
from tests.support.tables import CATALOG

DROP = "ALTER TABLE note DROP COLUMN title;"
FIRST = "0000_step.sql, statement 1, line 1"


def loss(*texts: str) -> Loss:
    pending = [
        replace(migration(text, f"{number:04}_step"), hash=f"hash {number}")
        for number, text in enumerate(texts)
    ]
    return decide_loss(pending, CATALOG)


@pytest.mark.parametrize(
    "text",
    [
        DROP,
        "DROP TABLE author CASCADE;",
        "TRUNCATE note;",
        "DELETE FROM note WHERE done;",
        "ALTER TABLE note ALTER COLUMN body TYPE varchar(10);",
        "WITH gone AS (DELETE FROM note RETURNING id) SELECT count(*) FROM gone;",
    ],
)
def test_what_no_later_migration_brings_back_is_a_loss(text: str):
    assert loss(text) == Loss((FIRST,), ("1000 hash 0",))


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE note ADD COLUMN c text;",
        "DROP INDEX note_body_idx;",
        "ALTER TABLE note ALTER COLUMN title TYPE varchar(80);",
        "ALTER TABLE note RENAME COLUMN title TO name;",
        "CREATE TABLE fresh (a int); TRUNCATE fresh;",
        "",
    ],
)
def test_what_leaves_all_values_is_none(text: str):
    assert loss(text) == Loss((), ())
    assert loss(text).announce("trovella") == ""


def test_the_files_that_destroy_are_told_from_those_that_do_not():
    found = loss("ALTER TABLE note ADD COLUMN c text;", DROP, "TRUNCATE author;")

    assert found.files == ("1000 hash 1", "1000 hash 2")
    assert found.announce("trovella") == (
        "a backup of trovella comes first, because data is destroyed by "
        "0001_step.sql, statement 1, line 1, 0002_step.sql, statement 1, line 1"
    )


def test_without_an_instance_it_is_said_that_there_is_no_backup():
    assert loss(DROP).announce("") == (
        f"data is destroyed by {FIRST}, and no backup_instance is set"
    )


def test_of_many_places_three_are_named():
    found = loss(*[DROP.replace("title", name) for name in ("title", "amount", "price", "rank")])

    assert found.describe().endswith("0002_step.sql, statement 1, line 1 and 1 more")


@pytest.mark.parametrize(
    ("backup", "again"),
    [
        (None, False),
        (Backup("7", ("1000 hash 0",), FRESH_S), True),
        (Backup("7", ("1000 hash 0", "1000 hash of one that is applied by now"), 1.0), True),
        (Backup("7", ("1000 hash 0",), FRESH_S + 0.1), False),
        (Backup("7", ("1000 hash of another text",), 1.0), False),
    ],
)
def test_a_backup_serves_again_for_the_same_files_and_a_while(backup: Backup | None, again: bool):
    assert serves_again(backup, loss(DROP)) is again
