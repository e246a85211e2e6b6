"""What single statements are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.migrations.statements import (
    ConcurrentIndex,
    added_label,
    concurrent_index,
    runs_alone,
    setting,
    split,
    transaction_control,
    without_literals,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("select 1", ["select 1"]),
        ("a; b;", ["a", " b"]),
        ("select ';''' ; b", ["select ';''' ", " b"]),
        (r"select E'\';' ; b", [r"select E'\';' ", " b"]),
        ('select ";""" ; b', ['select ";""" ', " b"]),
        ("do $$ a; b $$; c", ["do $$ a; b $$", " c"]),
        ("do $x$ a; $$ ; $$ $x$; c", ["do $x$ a; $$ ; $$ $x$", " c"]),
        ("a -- ;\n; b", ["a -- ;\n", " b"]),
        ("a /* ; /* ; */ ; */ ; b", ["a /* ; /* ; */ ; */ ", " b"]),
        ("create rule r as on insert to t do (a; b); c", None),
        ("create function f() begin atomic select case when a then 1 end; b; end; c", None),
        ("-- nothing\n; /* x", []),
        ("a 'open ;", ["a 'open ;"]),
        ("a $$open ;", ["a $$open ;"]),
    ],
)
def test_statements_end_at_their_semicolons(text: str, parts: list[str] | None):
    whole = [text.rpartition(";")[0], " c"]

    assert [one.text for one in split(text)] == (whole if parts is None else parts)


@given(st.text(alphabet=" ;'\"$a-/*\n\\eE()"))
def test_every_character_lies_in_its_place(text: str):
    for one in split(text):
        assert text[one.start : one.start + len(one.text)] == one.text
        for token in one.tokens:
            assert text[token.start : token.end] == token.text


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("create index concurrently i on t (a)", True),
        ("/* x */ CREATE UNIQUE INDEX -- y\n CONCURRENTLY if not exists i on t (a)", True),
        ("drop index concurrently if exists i", True),
        ("reindex index concurrently i", True),
        ("reindex (concurrently) table t", True),
        ("reindex (verbose) database x", True),
        ("reindex table t", False),
        ("vacuum analyze t", True),
        ("cluster", True),
        ("cluster verbose", True),
        ("cluster t using i", False),
        ("alter table t detach partition p concurrently", True),
        ("alter table t detach partition p", False),
        ("alter database d set tablespace s", True),
        ("alter database d set work_mem = 1", False),
        ("alter subscription s refresh publication", True),
        ("alter system set work_mem = 1", True),
        ("create database d", True),
        ("refresh materialized view concurrently v", False),
        ("create index i on t (concurrently)", False),
        ("create table concurrently (id int)", False),
        ("comment on table t is 'create index concurrently'", False),
        ("do $$ begin create index concurrently i on t (a); end $$", False),
    ],
)
def test_what_no_transaction_may_hold(text: str, alone: bool):
    assert runs_alone(split(text)[0]) is alone


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
    assert transaction_control(split(text)[0]) == control


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
    assert setting(split(text)[0]) == name


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
    assert added_label(split(text)[0]) == label


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
        ("create index i on note (x)", None),
        ("drop index concurrently i", None),
    ],
)
def test_concurrent_indexes(text: str, index: ConcurrentIndex | None):
    assert concurrent_index(split(text)[-1]) == index


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("select  'it''s' ,\n$1, $$x$$, E'\\'', 1.5e3, \"Name\"", 'select ? , $?, ?, ?, ?, "Name"'),
        ("select 'cut off by the serv", "select ?"),
        ("select /* pass: x", "select"),
    ],
)
def test_literals_are_left_out(text: str, told: str):
    assert without_literals(text) == told
