"""Whether what pending migrations do may be done: rules, what the request accepts, and settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.decide.lint import CODES, Lint, decide_lint
from rollout.executors.files import read_environment
from rollout.migrations.journal import parse
from rollout.model.catalog import Catalog, Column, Table
from rollout.model.finding import Go, Refuse
from rollout.policy import MigrationRules
from tests.support.migrations import migration
from tests.support.tables import CATALOG

FOLDER = Path(__file__).parents[3] / "infra/rehearsal/app/template/packages/db/src/migrations"
DROP = "ALTER TABLE note DROP COLUMN body"


def lint(*texts: str, accepted: tuple[str, ...] = (), rules: MigrationRules | None = None) -> Lint:
    pending = [migration(text, f"{number:04}_step") for number, text in enumerate(texts)]
    return decide_lint(pending, CATALOG, accepted, rules or MigrationRules())


def named(found: Lint) -> list[tuple[str, str]]:
    return [(one.rule, one.where) for one in found.findings]


def test_what_only_adds_may_go():
    found = lint("ALTER TABLE note ADD COLUMN c text;")

    assert found.verdict == Go()
    assert found.findings == ()
    assert [(one.statement.text, said) for one, said in found.statements] == [
        ("ALTER TABLE note ADD COLUMN c text", ())
    ]


def test_nothing_pending_is_nothing_to_say():
    assert lint() == Lint((), (), Go())


def test_what_breaks_the_serving_code_is_refused_with_what_to_write_and_how_to_insist():
    found = lint(DROP)

    assert isinstance(found.verdict, Refuse)
    (finding,) = found.verdict.findings
    assert finding.rule == "drop-column"
    assert finding.where == "0000_step.sql, statement 1, line 1"
    assert finding.consequence == (
        "note.body and all its values go, so the code that serves now breaks: each of its reads "
        "and inserts of note names body and fails (SQLSTATE 42703)"
    )
    assert finding.help.startswith("Expand: take note.body out of Drizzle's schema")
    assert finding.help.endswith("To do it all the same, deploy with `accept` naming drop-column.")
    assert found.findings == (finding,)
    assert found.statements[0][1] == (finding,)


def test_what_the_request_accepts_in_words_may_go_and_is_shown():
    found = lint(DROP, accepted=("drop-column",))

    assert isinstance(found.verdict, Go)
    (finding,) = found.verdict.findings
    assert finding.consequence.startswith("accepted: note.body and all its values go")
    assert not finding.help.endswith("naming drop-column.")


def test_accepting_one_rule_does_not_accept_another():
    found = lint(DROP, "TRUNCATE note", accepted=("drop-column",))

    assert isinstance(found.verdict, Refuse)
    assert [one.rule for one in found.verdict.findings] == ["destroys-data"]
    assert named(found) == [
        ("destroys-data", "0001_step.sql, statement 1, line 1"),
        ("drop-column", "0000_step.sql, statement 1, line 1"),
    ]


def test_what_only_takes_long_is_shown_and_may_go():
    found = lint("CREATE INDEX c ON note (amount)")

    assert isinstance(found.verdict, Go)
    assert [one.rule for one in found.verdict.findings] == ["require-concurrent-index"]


def test_the_environment_decides_what_a_rule_leads_to():
    strict = MigrationRules.model_validate({"require-concurrent-index": "refuse"})
    lax = MigrationRules.model_validate({"drop-column": "warn", "may-break-serving-code": "allow"})

    assert isinstance(lint("CREATE INDEX c ON note (amount)", rules=strict).verdict, Refuse)
    assert isinstance(lint(DROP, rules=lax).verdict, Go)
    assert lint("CREATE UNIQUE INDEX CONCURRENTLY c ON note (id)", rules=lax).findings == ()


def test_a_misspelt_rule_is_refused_even_when_nothing_is_pending():
    found = lint(accepted=("drop-colum",))

    assert isinstance(found.verdict, Refuse)
    (finding,) = found.verdict.findings
    assert (finding.rule, finding.where) == ("unknown-rule", "drop-colum")
    assert "drop-column" in finding.help


@pytest.mark.parametrize(
    "name",
    [
        "version-quarantined",
        "outside-window",
        "older-than-serving",
        "hosts-behind",
        "database-empty",
    ],
)
def test_what_others_judge_may_be_accepted_as_well(name: str):
    assert isinstance(lint(accepted=(name,)).verdict, Go)


def test_what_is_no_sql_is_refused_whatever_is_accepted():
    found = lint("SELECT 1;", "ALTER TBLE a;", accepted=tuple(CODES))

    assert isinstance(found.verdict, Refuse)
    assert named(found) == [("syntax-error", "0001_step.sql, statement 1, line 1")]


def test_a_table_of_an_earlier_pending_file_is_new():
    found = lint(
        'CREATE TABLE "c" ("id" serial PRIMARY KEY NOT NULL);',
        'ALTER TABLE "c" ADD COLUMN "d" text NOT NULL; ALTER TABLE "c" DROP COLUMN "id";',
    )

    assert found.findings == ()


def test_a_file_is_a_transaction_of_its_own():
    long = "CREATE INDEX CONCURRENTLY c ON note (amount)"

    assert lint("ALTER TABLE note ADD COLUMN c text", long).findings == ()
    assert [one.rule for one in lint(f"ALTER TABLE note ADD COLUMN c text; {long}").findings] == [
        "work-after-exclusive-lock"
    ]


def test_an_empty_database_gets_any_schema():
    texts = (
        "CREATE TABLE a (id int); CREATE TABLE b (id int); CREATE INDEX i ON a (id);",
        "DROP TABLE a;",
    )

    found = decide_lint([migration(text) for text in texts], Catalog(), (), MigrationRules())

    assert found.verdict == Go()


def test_the_same_statement_twice_is_told_twice():
    found = lint(f"{DROP};\n{DROP};")

    assert len(found.statements) == 2
    assert [one.where[-6:] for one in found.findings] == ["line 1", "line 2"]


def test_the_rehearsals_own_migrations_may_go_and_its_faulty_one_reaches_the_server():
    files = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*.*")}
    rules = read_environment("rehearsal").migrations.rules
    note = Table("public.note", rows=3, columns=(Column("id", "integer", not_null=True),))
    models = Table("public.ai_model", rows=7)
    there = Catalog({table.name: table for table in (note, models)})
    following = (
        'ALTER TABLE "note" ADD COLUMN "label_2" text;--> statement-breakpoint\n'
        'CREATE INDEX "note_label_2_idx" ON "note" USING btree ("label_2");'
    )
    faulty = (
        'CREATE INDEX "ai_model_provider_idx" ON "ai_model" USING btree ("provider");'
        '--> statement-breakpoint\nALTER TABLE "ai_model" ADD COLUMN "provider_sku" text NOT NULL;'
    )

    first = decide_lint(parse(files).migrations, Catalog(), (), rules)
    assert (len(first.statements), first.findings) == (6, ())
    assert decide_lint([migration(following)], there, (), rules).findings == ()
    broken = decide_lint([migration(faulty)], there, (), rules)
    assert isinstance(broken.verdict, Go)
    assert [one.rule for one in broken.findings] == ["not-null-without-default"]
