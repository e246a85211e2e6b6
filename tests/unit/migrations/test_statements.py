"""What single statements are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.migrations.sql import OPAQUE, Piece, pieces_of, tokens_of
from rollout.migrations.statements import (
    ConcurrentIndex,
    ConcurrentReindex,
    added_label,
    concurrent_index,
    concurrent_reindex,
    finishing,
    runs_alone,
    setting,
    transaction_control,
    without_literals,
)


def only(text: str) -> Piece:
    (statement,) = pieces_of(text)
    return statement


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("select 1", ["select 1"]),
        ("table a; table b;", ["table a", "table b"]),
        ("table a;; ;table b", ["table a", "table b"]),
        ("select ';''' ; table b", ["select ';'''", "table b"]),
        (r"select E'\';' ; table b", [r"select E'\';'", "table b"]),
        ('select ";""" ; table b', ['select ";"""', "table b"]),
        ("do $$ a; b $$; table c", ["do $$ a; b $$", "table c"]),
        ("do $x$ a; $$ ; $$ $x$; table c", ["do $x$ a; $$ ; $$ $x$", "table c"]),
        ("table a -- ;\n; table b", ["table a -- ;", "table b"]),
        ("table a /* ; /* ; */ ; */ ; table b", ["table a /* ; /* ; */ ; */", "table b"]),
        ("create rule r as on insert to t do (table a; table b); table c", None),
        (
            "create function f() returns int begin atomic select case when a then 1 end; table b; "
            "end; table c",
            None,
        ),
        ("-- nothing\n; /* x */", []),
    ],
)
def test_statements_end_at_their_semicolons(text: str, parts: list[str] | None):
    whole = [text.rpartition(";")[0], "table c"]

    assert [one.text for one in pieces_of(text)] == (whole if parts is None else parts)


@pytest.mark.parametrize(
    "text", ["alter tble a", "table a; alter tble b;", "a 'open ;", "a $$open ;", "; /* x"]
)
def test_what_does_not_parse_is_one_statement_that_nobody_looks_into(text: str):
    whole = only(f" {text}\n")

    assert (whole.text, whole.start, whole.end, whole.tree.kind) == (text, 1, len(text) + 2, OPAQUE)
    assert not runs_alone(whole)
    assert transaction_control(whole) is setting(whole) is added_label(whole) is None
    assert concurrent_index(whole) is concurrent_reindex(whole) is finishing(whole) is None


def test_a_drizzle_block_is_sent_as_it_is_written():
    block = (
        "DO $$ BEGIN CREATE TYPE a AS ENUM (); EXCEPTION WHEN duplicate_object THEN null; END $$"
    )

    assert [(one.text, one.tree.kind) for one in pieces_of(f"{block};")] == [(block, "DoStmt")]


@given(st.lists(st.sampled_from([*" ;'\"$a-/*\n\\eE()é", "select 1", "table é"])))
def test_every_character_lies_in_its_place(parts: list[str]):
    text = "".join(parts)
    for one in pieces_of(text):
        assert text[one.start : one.start + len(one.text)] == one.text
        assert text[one.start : one.end].strip() == one.text
        assert text[one.end : one.end + 1] in {";", ""}
    for token in tokens_of(text):
        assert text[token.start : token.end] == token.text


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("create index concurrently i on t (a)", True),
        ("/* x */ CREATE UNIQUE INDEX -- y\n CONCURRENTLY if not exists i on t (a)", True),
        ("drop index concurrently if exists i", True),
        ("reindex index concurrently i", True),
        ("reindex (concurrently) table t", True),
        ("reindex (concurrently off) table t", False),
        ("reindex (concurrently 0, verbose) table t", False),
        ("reindex (verbose) database x", True),
        ("reindex table t", False),
        ("vacuum analyze t", True),
        ("analyze t", False),
        ("cluster", True),
        ("cluster verbose", True),
        ("cluster t using i", False),
        ("alter table t detach partition p concurrently", True),
        ("alter table t detach partition p", False),
        ("alter database d set tablespace s", True),
        ("alter database d set work_mem = 1", False),
        ("alter subscription s refresh publication", True),
        ("alter subscription s set publication p", True),
        ("alter subscription s set publication p with (refresh = false)", False),
        ("alter subscription s disable", False),
        ("alter system set work_mem = 1", True),
        ("create database d", True),
        ("refresh materialized view concurrently v", False),
        ("create index i on t (concurrently)", False),
        ('create table "concurrently" (id int)', False),
        ("comment on table t is 'create index concurrently'", False),
        ("do $$ begin create index concurrently i on t (a); end $$", False),
    ],
)
def test_what_no_transaction_may_hold(text: str, alone: bool):
    assert runs_alone(only(text)) is alone


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ("begin", "begin"),
        ("BEGIN WORK", "begin"),
        ("start transaction", "begin"),
        ("begin read only", "other"),
        ("commit", "commit"),
        ("end transaction", "commit"),
        ("rollback", "other"),
        ("rollback to savepoint s", None),
        ("savepoint s", None),
        ("release s", None),
        ("prepare transaction 'x'", "other"),
        ("prepare p as select 1", None),
        ("abort", "other"),
        ("do $$ begin commit; end $$", None),
    ],
)
def test_what_a_statement_does_to_a_transaction(text: str, control: str | None):
    assert transaction_control(only(text)) == control


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("set lock_timeout = '1s'", "lock_timeout"),
        ('SET LOCAL "search_path" to x', "search_path"),
        ("set session role x", "role"),
        ("reset all", "all"),
        ("reset", None),
        ("select set_config('a', 'b', true)", None),
    ],
)
def test_settings(text: str, name: str | None):
    assert setting(only(text)) == name


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("alter type colour add value 'blue'", "'blue'"),
        ("ALTER TYPE \"public\".\"colour\" ADD VALUE IF NOT EXISTS 'a''b' BEFORE 'c'", "'a''b'"),
        ("alter type colour rename value 'a' to 'b'", None),
        ("select 'alter type x add value'", None),
    ],
)
def test_labels(text: str, label: str | None):
    assert added_label(only(text)) == label


@pytest.mark.parametrize(
    ("text", "index"),
    [
        (
            "create unique index concurrently if not exists I_A on only public.note using gin(x)",
            ConcurrentIndex("i_a", "public.note", unique=True, rest=" using gin(x)"),
        ),
        (
            'select 1; create index concurrently "A""b" on "My note" (x) where x > 0',
            ConcurrentIndex('A"b', '"My note"', unique=False, rest=" (x) where x > 0"),
        ),
        (
            "create index concurrently on note(x)",
            ConcurrentIndex("", "note", unique=False, rest="(x)"),
        ),
        (
            'create index concurrently "on" on /* é */ app . "on" (x)',
            ConcurrentIndex("on", 'app."on"', unique=False, rest=" (x)"),
        ),
        ("create index i on note (x)", None),
        ("drop index concurrently i", None),
    ],
)
def test_concurrent_indexes(text: str, index: ConcurrentIndex | None):
    assert concurrent_index(pieces_of(text)[-1]) == index


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("select  'it''s' ,\n$1, $$x$$, E'\\'', 1.5e3, \"Name\"", 'select ? , $1, ?, ?, ?, "Name"'),
        ("select 'cut off by the serv", "select ?"),
        ("select /* pass: x", "select"),
        ("select U&'se\\", "select ?"),
        ("select 'é', $a$ é; 'secret", "select ?, ?"),
        ('select "cut off by the serv', "select ?"),
        ("'", "?"),
        ("", ""),
    ],
)
def test_literals_are_left_out(text: str, told: str):
    assert without_literals(text) == told


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("reindex index concurrently i", ConcurrentReindex("INDEX", "i")),
        (
            'REINDEX (VERBOSE) TABLE /* x */ CONCURRENTLY app."A b"',
            ConcurrentReindex("TABLE", 'app."A b"'),
        ),
        ("reindex (concurrently) schema app", ConcurrentReindex("SCHEMA", "app")),
        ("reindex database concurrently", ConcurrentReindex("DATABASE", "")),
        ("reindex table concurrently a", ConcurrentReindex("TABLE", "a")),
        ("reindex system concurrently", None),
        ("reindex table t", None),
        ("create index concurrently i on t (a)", None),
    ],
)
def test_what_a_reindex_rebuilds(text: str, found: ConcurrentReindex | None):
    assert concurrent_reindex(only(text)) == found


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (
            'alter table "t" /* é */ detach partition x."concurrently" CONCURRENTLY -- now',
            'alter table "t" /* é */ detach partition x."concurrently" FINALIZE -- now',
        ),
        ("alter table t detach partition p", None),
        ("drop index concurrently i", None),
    ],
)
def test_what_finishes_a_detach(text: str, rest: str | None):
    assert finishing(only(text)) == rest
