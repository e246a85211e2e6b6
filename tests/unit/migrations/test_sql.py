"""SQL text to statements: where each stands, what is unwrapped, and what is no SQL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.migrations.journal import BREAKPOINT
from rollout.migrations.sql import OPAQUE, parse_sql
from tests.support.migrations import migration

IDIOM = """DO $$ BEGIN
 ALTER TABLE "note" ADD CONSTRAINT "note_fk" FOREIGN KEY ("author_id")
 REFERENCES "public"."user"("id");
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
"""


def kinds(text: str) -> list[str]:
    return [one.statement.kind for one in parse_sql(migration(text))[0]]


def test_each_statement_knows_its_place():
    parsed, problems = parse_sql(
        migration(
            "-- é: first\nCREATE TABLE a (b int);\n"
            f"  ALTER TABLE a\n  ADD c int; /* é */ DROP TABLE a;\n{BREAKPOINT}\n\nSELECT 1;"
        )
    )

    assert problems == ()
    assert [(one.statement.number, one.statement.line, one.statement.text) for one in parsed] == [
        (1, 2, "CREATE TABLE a (b int)"),
        (1, 3, "ALTER TABLE a\n  ADD c int"),
        (1, 4, "DROP TABLE a"),
        (2, 7, "SELECT 1"),
    ]
    assert parsed[3].statement.where == "0001_step.sql, statement 2, line 7"


def test_a_tree_is_read_by_postgresqls_own_names():
    (parsed,), _ = parse_sql(migration("ALTER TABLE ONLY app.note ADD COLUMN c text NOT NULL"))

    (command,) = parsed.tree.many("cmds")
    assert parsed.tree.one("relation").text("schemaname") == "app"
    assert command.text("subtype") == "AT_AddColumn"
    column = command.one("def")
    assert column.text("colname") == "c"
    assert [one.text("contype") for one in column.many("constraints")] == ["CONSTR_NOTNULL"]
    assert not command.one("absent")
    assert (command.text("absent"), command.number("absent"), command.flag("absent")) == (
        "",
        0,
        False,
    )
    assert command.many("absent") == ()


def test_drizzles_block_is_unwrapped():
    (parsed,), problems = parse_sql(migration(f"SELECT 1;{BREAKPOINT}\n{IDIOM}".split(";", 1)[1]))

    assert problems == ()
    assert parsed.statement.kind == "AlterTableStmt"
    assert parsed.statement.line == 3
    assert parsed.statement.text.startswith('ALTER TABLE "note"')


@pytest.mark.parametrize(
    "block",
    [
        "DO $$ BEGIN PERFORM 1; EXCEPTION WHEN duplicate_object THEN null; END $$",
        "DO $$ BEGIN EXECUTE 'drop table a'; EXCEPTION WHEN duplicate_object THEN null; END $$",
        "DO $$ BEGIN DROP TABLE a; EXCEPTION WHEN others THEN null; END $$",
        "DO $$ BEGIN IF true THEN DROP TABLE a; END IF; END $$",
        "DO LANGUAGE plpython3u $$ BEGIN DROP TABLE a; "
        "EXCEPTION WHEN duplicate_object THEN null; END $$",
    ],
)
def test_any_other_block_stays_as_it_is(block: str):
    assert kinds(block) == ["DoStmt"]


def test_a_block_with_several_statements_gives_them_all():
    block = (
        "DO $body$ begin CREATE TYPE a AS ENUM ('x'); CREATE TYPE b AS ENUM ('y'); "
        "exception when duplicate_object or duplicate_table then NULL; end $body$"
    )

    assert kinds(block) == ["CreateEnumStmt", "CreateEnumStmt"]


def test_a_block_in_plain_quotes_is_found_at_its_own_line():
    (parsed,), _ = parse_sql(
        migration(
            "\nDO 'BEGIN CREATE TYPE a AS ENUM (''x''); "
            "EXCEPTION WHEN duplicate_object THEN null; END'"
        )
    )

    assert (parsed.statement.kind, parsed.statement.line) == ("CreateEnumStmt", 2)


def test_what_is_no_sql_is_told_with_its_place():
    parsed, problems = parse_sql(
        migration(f"SELECT 'é';\nALTER TBLE a ADD b int;{BREAKPOINT}SELECT 1;")
    )

    assert [one.statement.text for one in parsed] == ["SELECT 1"]
    (problem,) = problems
    assert problem.rule == "syntax-error"
    assert (
        problem.consequence
        == 'PostgreSQL\'s grammar does not take it: syntax error at or near "TBLE"'
    )
    assert problem.where == "0001_step.sql, statement 1, line 2"


def test_letters_of_several_bytes_do_not_move_the_place_of_an_error():
    _, (problem,) = parse_sql(migration("SELECT 'éééééééééééééééé';\n\n\nALTER TBLE a ADD b int;"))

    assert problem.where == "0001_step.sql, statement 1, line 4"


@pytest.mark.parametrize("text", ["", "  \n", "-- nothing\n", ";;", f"{BREAKPOINT}\n{BREAKPOINT}"])
def test_nothing_is_no_statement(text: str):
    assert parse_sql(migration(text)) == ((), ())


def test_a_statement_too_deep_to_look_into_is_opaque_and_hides_no_other():
    deep = "SELECT " + " || ".join(["'é'"] * 300)

    parsed, problems = parse_sql(migration(f"DROP TABLE a;\n{deep};\nDROP TABLE b;"))

    assert problems == ()
    assert [(one.statement.kind, one.statement.line) for one in parsed] == [
        ("DropStmt", 1),
        (OPAQUE, 2),
        ("DropStmt", 3),
    ]


@given(st.text(max_size=60).filter(lambda text: "\0" not in text))
def test_any_text_is_statements_or_a_finding(text: str):
    parsed, problems = parse_sql(migration(text))

    assert all(one.statement.text in text for one in parsed)
    assert all(problem.rule == "syntax-error" for problem in problems)
