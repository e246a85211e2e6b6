"""What a dry run saw beside what was predicted."""

from __future__ import annotations

from rollout.decide.lint import decide_lint
from rollout.migrations.table import table_rows
from rollout.migrations.trace_table import NOT_SEEN, WITH_THE_FIRST
from rollout.model.dry_run import Traced
from rollout.model.finding import Finding
from rollout.model.statement import Effect, Lock
from rollout.policy import MigrationRules
from tests.support.migrations import migration
from tests.support.tables import CATALOG

FILE = "0001_step.sql"
EXCLUSIVE = Effect("public.note", Lock.ACCESS_EXCLUSIVE)
ADDED = "ALTER TABLE note ADD COLUMN c text"


def seen(sql: str, *traced: Traced) -> list[tuple[str, str]]:
    """Return what stands in the two columns of each statement."""
    lint = decide_lint([migration(sql)], CATALOG, (), MigrationRules())
    rows = table_rows(lint.statements, (), traced)
    return [(row["lock on the scratch copy"], row["seconds there"]) for row in rows]


def test_a_lock_as_predicted_is_shown_without_a_note():
    traced = Traced(FILE, 1, 0.0123, (EXCLUSIVE,), (EXCLUSIVE,))

    assert seen(ADDED, traced) == [("AccessExclusive on note", "0.012")]


def test_a_lock_that_an_earlier_part_holds_already_is_no_difference():
    sql = f"{ADDED};\n--> statement-breakpoint\n{ADDED.replace(' c ', ' d ')};"

    assert seen(
        sql,
        Traced(FILE, 1, 0.1, (EXCLUSIVE,), (EXCLUSIVE,)),
        Traced(FILE, 2, 0.2, (), (EXCLUSIVE,)),
    ) == [("AccessExclusive on note", "0.100"), ("none", "0.200")]


def test_a_lock_that_nobody_predicted_is_worth_a_note():
    surprise = (Effect("public.author", Lock.SHARE_ROW_EXCLUSIVE), EXCLUSIVE)

    assert seen(ADDED, Traced(FILE, 1, 0, surprise, surprise)) == [
        (
            "ShareRowExclusive on author; AccessExclusive on note; "
            "NOTE: more than predicted on author",
            "0.000",
        )
    ]


def test_a_lock_that_did_not_come_is_worth_a_note():
    assert seen(ADDED, Traced(FILE, 1, 0)) == [
        ("none; NOTE: AccessExclusive was predicted on note", "0.000")
    ]


def test_the_statements_of_one_part_were_seen_together():
    both = Traced(FILE, 1, 0.5, (EXCLUSIVE,), (EXCLUSIVE,))

    assert seen(f"{ADDED};\nSELECT 1;", both) == [
        ("AccessExclusive on note", "0.500"),
        (WITH_THE_FIRST, ""),
    ]


def test_what_runs_outside_of_a_transaction_was_not_seen_and_what_did_not_run_has_nothing():
    sql = "CREATE INDEX CONCURRENTLY i ON note (amount);\n--> statement-breakpoint\nSELECT 1;"

    assert seen(sql, Traced(FILE, 1, 1.5, (), None)) == [(NOT_SEEN, "1.500"), ("", "")]


def test_what_is_about_no_statement_has_the_same_columns():
    lint = decide_lint([migration(ADDED)], CATALOG, (), MigrationRules())
    late = Finding("out-of-order", "it is late", "0000_step.sql", "Nothing to do.")

    first, second = table_rows(lint.statements, (late,), (Traced(FILE, 1, 0),))

    assert list(first) == list(second)
    assert first["lock on the scratch copy"] == ""
