"""What people read of pending migrations."""

from __future__ import annotations

from rollout.decide.lint import decide_lint, with_lint
from rollout.decide.migrate import MigrationPlan
from rollout.migrations.table import table_rows
from rollout.model.finding import Finding, Go, Refuse
from rollout.policy import MigrationRules
from tests.support.migrations import migration
from tests.support.tables import CATALOG

LATE = Finding("out-of-order", "it is dated before", "0000_step.sql", "Nothing to do.")


def test_each_statement_is_a_row():
    sql = "ALTER TABLE note ADD COLUMN c text;\nCREATE INDEX\n  i ON note (amount);\nSELECT 1"
    lint = decide_lint([migration(sql)], CATALOG, (), MigrationRules())

    first, second, third = table_rows(lint.statements, ())

    assert first == {
        "place": "0001_step.sql, statement 1, line 1",
        "statement": "ALTER TABLE note ADD COLUMN c text",
        "lock": "AccessExclusive on note: reads and writes wait",
        "estimated cost": "an instant",
        "compatibility": "additive",
        "finding": "",
        "help": "",
    }
    assert (second["place"], second["statement"]) == (
        "0001_step.sql, statement 1, line 2",
        "CREATE INDEX i ON note (amount)",
    )
    assert second["lock"] == "Share on note: writes wait"
    assert second["estimated cost"] == "builds an index of note: up to a minute"
    assert second["finding"].startswith("require-concurrent-index: writes wait while")
    assert "; work-after-exclusive-lock: reads and writes of note wait since" in second["finding"]
    assert second["help"].startswith("Write `CREATE INDEX CONCURRENTLY`")
    assert (third["lock"], third["estimated cost"]) == ("none", "an instant")


def test_what_is_about_no_statement_comes_first():
    lint = decide_lint([migration("SELEC 1;")], CATALOG, ("drop",), MigrationRules())

    rows = table_rows(lint.statements, (LATE, *lint.others))

    assert [(row["place"], row["finding"].split(":")[0]) for row in rows] == [
        ("0000_step.sql", "out-of-order"),
        ("drop", "unknown-rule"),
        ("0001_step.sql, statement 1, line 1", "syntax-error"),
    ]


def test_a_long_statement_is_cut():
    lint = decide_lint([migration(f"SELECT '{'x' * 500}'")], CATALOG, (), MigrationRules())

    (row,) = table_rows(lint.statements, ())

    assert len(row["statement"]) == 160
    assert row["statement"].endswith("x…")


def test_a_plan_is_refused_by_what_its_statements_do():
    plan = MigrationPlan((), (LATE,), Go((LATE,)), True)
    drop = decide_lint([migration("DROP TABLE note")], CATALOG, (), MigrationRules())
    fine = decide_lint([migration("SELECT 1")], CATALOG, (), MigrationRules())

    refused = with_lint(plan, drop)
    assert isinstance(refused.verdict, Refuse)
    assert [one.rule for one in refused.verdict.findings] == ["drop-object"]
    assert [one.rule for one in refused.findings] == ["out-of-order", "drop-object"]
    assert with_lint(plan, fine) == plan


def test_a_refused_plan_stays_refused():
    plan = MigrationPlan((), (LATE,), Refuse((LATE,)), True)
    fine = decide_lint([migration("SELECT 1")], CATALOG, (), MigrationRules())

    assert with_lint(plan, fine) == plan
