"""Which questions pending statements lead to, word for word."""

from __future__ import annotations

import pytest

from rollout.migrations.prechecks import prechecks
from rollout.migrations.questions import literal, quoted, type_sql
from rollout.migrations.sql import deparse, pieces_of
from rollout.model.catalog import Catalog, Column, Constraint, Table
from tests.support.migrations import judged
from tests.support.tables import CATALOG, NOTE

ODD = Table(
    'Odd "schema.one',
    columns=(Column("the key", "integer", not_null=True), Column("user", "text")),
    constraints=(Constraint("odd_pkey", "primary key", 'PRIMARY KEY ("the key", "select")'),),
)


def asked(sql: str, catalog: Catalog = CATALOG) -> list[tuple[str, str]]:
    """Return each question with what makes its answer unsure."""
    return [(one.question, one.doubt) for one in prechecks(judged(sql, catalog), catalog)]


def counted(rows: str) -> list[tuple[str, str]]:
    return [(f"SELECT count(*) FROM ({rows} LIMIT 1001) AS found", "")]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (
            "ALTER TABLE note ALTER COLUMN title SET NOT NULL",
            "SELECT 1 FROM note WHERE title IS NULL",
        ),
        (
            "ALTER TABLE ONLY public.note ALTER title SET NOT NULL",
            "SELECT 1 FROM ONLY public.note AS note WHERE title IS NULL",
        ),
        (
            "ALTER TABLE note ADD COLUMN c int NOT NULL",
            "SELECT 1 FROM (SELECT *, CAST((NULL) AS int) AS c FROM note) AS note WHERE c IS NULL",
        ),
        (
            "ALTER TABLE note ADD CONSTRAINT x CHECK (amount > 0 /* or */ OR title LIKE 'a;--%')",
            "SELECT 1 FROM note WHERE (amount > 0 OR title LIKE 'a;--%') IS FALSE",
        ),
        (
            "ALTER TABLE note ADD UNIQUE (title, amount)",
            "SELECT 1 FROM (SELECT (title) AS k1, (amount) AS k2 FROM note OFFSET 0) AS keys "
            "WHERE k1 IS NOT NULL AND k2 IS NOT NULL GROUP BY k1, k2 HAVING count(*) > 1",
        ),
        (
            'CREATE UNIQUE INDEX ON note (lower(title) COLLATE "C") INCLUDE (id) '
            "NULLS NOT DISTINCT WHERE done",
            'SELECT 1 FROM (SELECT ((lower(title)) COLLATE "C") AS k1 FROM note WHERE done '
            "OFFSET 0) AS keys GROUP BY k1 HAVING count(*) > 1",
        ),
        (
            "ALTER TABLE note ADD FOREIGN KEY (author_id) REFERENCES author (id)",
            "SELECT 1 FROM note WHERE note.author_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
            'author AS "the referenced" WHERE "the referenced".id = note.author_id)',
        ),
        (
            "ALTER TABLE note ADD FOREIGN KEY (amount, author_id) REFERENCES author (score, id) "
            "MATCH FULL",
            "SELECT 1 FROM note WHERE (note.amount IS NOT NULL AND note.author_id IS NOT NULL AND "
            'NOT EXISTS (SELECT 1 FROM author AS "the referenced" WHERE "the referenced".score = '
            'note.amount AND "the referenced".id = note.author_id)) OR ((note.amount IS NOT NULL '
            "OR note.author_id IS NOT NULL) AND (note.amount IS NULL OR note.author_id IS NULL))",
        ),
        (
            "ALTER TABLE note ALTER title TYPE varchar(20)",
            "SELECT 1 FROM note WHERE "
            "pg_catalog.btrim(pg_catalog.substr(CAST((title) AS text), 21), ' ') <> ''",
        ),
        (
            "ALTER TABLE note ALTER price TYPE numeric(6,2)",
            "SELECT 1 FROM note WHERE pg_catalog.abs(pg_catalog.round(CAST((price) AS numeric), "
            "2)) >= CAST('1e4' AS numeric) AND CAST((price) AS numeric) <> CAST('NaN' AS numeric)",
        ),
        (
            "ALTER TABLE note ALTER amount TYPE smallint",
            "SELECT 1 FROM note WHERE amount NOT BETWEEN -32768 AND 32767",
        ),
    ],
)
def test_a_statement_is_asked_about(sql: str, rows: str):
    assert asked(sql) == counted(rows)


def test_a_cast_that_may_fail_is_worked_out():
    assert asked("ALTER TABLE note ALTER title TYPE int USING trim(title)::int") == [
        ("SELECT count(CAST((TRIM (BOTH  FROM title)::int) AS int)) FROM note", "")
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE note ALTER COLUMN body SET NOT NULL",
        "ALTER TABLE note ALTER COLUMN kept SET NOT NULL",
        "ALTER TABLE note ADD COLUMN c int NOT NULL DEFAULT 0",
        "ALTER TABLE note ADD COLUMN c bigserial NOT NULL",
        "ALTER TABLE note ADD COLUMN IF NOT EXISTS title text NOT NULL",
        "ALTER TABLE note ADD CONSTRAINT c CHECK (amount > 0) NOT VALID",
        "ALTER TABLE note VALIDATE CONSTRAINT note_kept",
        "ALTER TABLE note VALIDATE CONSTRAINT nobody_knows",
        "CREATE INDEX ON note (title)",
        "CREATE UNIQUE INDEX IF NOT EXISTS note_body_idx ON note (body)",
        "ALTER TABLE note ALTER title TYPE text",
        "ALTER TABLE note ALTER amount TYPE bigint",
        "ALTER TABLE nobody ALTER COLUMN c SET NOT NULL",
        "CREATE TABLE c (id int, at int); ALTER TABLE c ADD PRIMARY KEY (id)",
        "CREATE TABLE c (id int); ALTER TABLE c RENAME TO d; ALTER TABLE d ADD UNIQUE (id)",
    ],
)
def test_nothing_is_asked(sql: str):
    assert asked(sql) == []


@pytest.mark.parametrize(
    ("sql", "question", "doubt"),
    [
        ("UPDATE note SET title = ''; ALTER TABLE note ALTER title SET NOT NULL",
            "SELECT 1 FROM note WHERE title IS NULL", "changes rows of it before"),
        ("DELETE FROM author; ALTER TABLE note ALTER title SET NOT NULL",
            "SELECT 1 FROM note WHERE title IS NULL", "changes rows of it before"),
        ("CALL fill(); ALTER TABLE note ALTER title SET NOT NULL",
            "SELECT 1 FROM note WHERE title IS NULL", "may change it before"),
        ("ALTER TABLE note RENAME title TO name; ALTER TABLE note ALTER name SET NOT NULL",
            "", "changes name before"),
        ("ALTER TABLE note RENAME TO memo; ALTER TABLE memo ALTER title SET NOT NULL",
            "", "renames or moves the table before"),
        ("ALTER TABLE note ALTER amount TYPE text; ALTER TABLE note ADD UNIQUE (amount)",
            "", "changes amount before"),
    ],
)  # fmt: skip
def test_what_comes_before_makes_the_answer_unsure(sql: str, question: str, doubt: str):
    (found,) = asked(sql)

    assert question in found[0]
    assert bool(found[0]) == bool(question)
    assert found[1] == f"0001_step.sql, statement 1, line 1, {doubt}"


def test_what_comes_afterwards_does_not():
    sql = "ALTER TABLE note ALTER title SET NOT NULL; UPDATE note SET title = ''"

    assert asked(sql) == counted("SELECT 1 FROM note WHERE title IS NULL")


def test_names_are_quoted_and_the_key_is_asked_for():
    odd = Catalog({'app.Odd "one': ODD})
    (found,) = prechecks(judged('ALTER TABLE app."Odd ""one" ALTER "user" SET NOT NULL', odd), odd)

    table = 'app."Odd ""one" AS "Odd ""one"'
    assert found.question == (
        f'SELECT count(*) FROM (SELECT 1 FROM {table} WHERE "user" IS NULL LIMIT 1001) AS found'
    )
    assert found.example == (
        'SELECT CAST("Odd ""one"."the key" AS text), CAST("Odd ""one"."select" AS text) '
        f'FROM {table} WHERE "user" IS NULL LIMIT 1'
    )
    assert found.key == ('"the key"', '"select"')
    assert found.reads == (("app", 'Odd "one'),)


def test_rows_of_heirs_count_where_the_statement_is_about_them():
    parted = Catalog({NOTE.name: Table("public.note", columns=NOTE.columns, parts=("public.x",))})

    assert asked("ALTER TABLE note ALTER title SET NOT NULL", parted) == counted(
        "SELECT 1 FROM note WHERE title IS NULL"
    )
    ((question, _),) = asked("ALTER TABLE note ADD UNIQUE (title)", parted)
    assert (
        "FROM (SELECT * FROM note WHERE tableoid = 'note'::regclass OR "
        "(SELECT relkind = 'p' FROM pg_catalog.pg_class WHERE oid = 'note'::regclass)) AS note"
    ) in question


@pytest.mark.parametrize("name", ["a", 'x"y', "user", "a.b", "é", "x y", "'; DROP TABLE a; --"])
def test_a_name_is_read_back_as_it_was(name: str):
    (piece,) = pieces_of(f"SELECT {quoted(name, name)}, {literal(name)}")
    column, text = (one.one("val") for one in piece.tree.many("target_list"))

    assert [one.text("sval") for one in column.many("fields")] == [name, name]
    assert text.one("sval").text("sval") == name


@pytest.mark.parametrize(
    "text",
    [
        "(a + b) * c - (-1)",
        "NOT (a OR b) AND c",
        "a IN (1, 2) AND b BETWEEN 0 AND 1.5",
        "(a IS NULL) = (b IS NULL)",
        "a ~ E'^x\\\\d''$'",
        "CASE WHEN a THEN '' ELSE app.\"F\"(b, false) END",
        "(a::app.\"E\"[])[1] = 'x'::varchar(3)",
        "a = ANY(ARRAY[1, 2]) AND b ->> 'c' = 'd' COLLATE \"C\"",
    ],
)
def test_an_expression_is_written_as_it_was_read(text: str):
    def shape(sql: str) -> str:
        tree = pieces_of(f"SELECT {sql}")[0].tree
        places = ("location", "rexpr_list_start", "rexpr_list_end", "list_start", "list_end")
        return str(
            [
                (
                    one.kind,
                    {
                        k: v
                        for k, v in one.fields.items()
                        if k not in places and not isinstance(v, tuple) and not hasattr(v, "kind")
                    },
                )
                for one in tree.walk()
            ]
        )

    tree = pieces_of(f"SELECT {text}")[0].tree
    (target,) = tree.many("target_list")

    assert shape(deparse(target.one("val"))) == shape(text)


def test_a_type_is_written_as_it_was_read():
    names = ("varchar(5)", 'app."E"[]', "numeric(10, 2)", "timestamp (3) with time zone")
    for name in names:
        (target,) = pieces_of(f"SELECT NULL::{name}")[0].tree.many("target_list")
        assert type_sql(target.one("val").one("type_name")) == name


def test_an_exclusion_constraint_is_told_to_be_unasked():
    sql = "ALTER TABLE note ADD CONSTRAINT apart EXCLUDE USING gist (title WITH =)"

    (one,) = prechecks(judged(sql, CATALOG), CATALOG)

    assert (one.question, one.sqlstate) == ("", "23P01")
    assert one.offenders == "of note that exclude each other by apart"
    assert one.doubt == "it takes the index that is not there yet"
