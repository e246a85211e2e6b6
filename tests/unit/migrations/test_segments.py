"""How a file is cut into transactions and what runs outside of any."""

from __future__ import annotations

import pytest

from rollout.migrations.journal import Migration, split_statements
from rollout.migrations.locks import Patience
from rollout.migrations.segments import (
    minds_locks_itself,
    plan_segments,
    segment_findings,
    settings_before,
)
from rollout.migrations.statements import split


def file(text: str) -> Migration:
    text = text.replace("|", "--> statement-breakpoint")
    return Migration("0000_a", 1, "hash", split_statements(text), text)


def planned(text: str) -> list[tuple[str, list[str]]]:
    return [
        (segment.mode, [step.text.strip() for step in segment.steps])
        for segment in plan_segments(file(text))
    ]


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", []),
        ("-- nothing | /* more */", []),
        ("a; b; | c;", [("transaction", ["a; b;", "c;"])]),
        ("commit;", []),
        (
            "a; | create index concurrently i on t (x); | b;",
            [
                ("transaction", ["a;"]),
                ("autocommit", ["create index concurrently i on t (x)"]),
                ("transaction", ["b;"]),
            ],
        ),
        (
            "a; vacuum t; drop index concurrently i; b",
            [
                ("transaction", ["a"]),
                ("autocommit", ["vacuum t", "drop index concurrently i"]),
                ("transaction", ["b"]),
            ],
        ),
        ("a; | commit; | b; c;", [("transaction", ["a;"]), ("transaction", ["b; c;"])]),
        ("begin; a; commit;", [("transaction", ["a"])]),
        ("a; commit; begin; b;", [("transaction", ["a"]), ("transaction", ["b"])]),
        ("a; rollback; b", [("transaction", ["a; rollback; b"])]),
        (
            "alter type c add value 'x'; | a;",
            [("transaction", ["alter type c add value 'x';", "a;"])],
        ),
        (
            "alter type c add value 'x'; | insert into t values ('x');",
            [
                ("transaction", ["alter type c add value 'x'"]),
                ("transaction", ["insert into t values ('x');"]),
            ],
        ),
        (
            "alter type c add value 'x'; alter table t alter v set default 'x'; b",
            [
                ("transaction", ["alter type c add value 'x'"]),
                ("transaction", ["alter table t alter v set default 'x'", "b"]),
            ],
        ),
    ],
)
def test_segments(text: str, segments: list[tuple[str, list[str]]]):
    assert planned(text) == segments


def test_a_step_knows_its_place():
    _, second = plan_segments(file("a; | b;\n vacuum;"))

    assert (second.steps[0].part, second.steps[0].start) == (2, 3)


def test_settings_hold_over_edges_but_not_local_ones():
    whole = file(
        "set role a; set local work_mem = 1; | vacuum; vacuum; | set lock_timeout = 5; b; c"
    )

    assert settings_before(whole, 0, 0) == ()
    assert settings_before(whole, 1, 1) == ("set role a",)
    assert settings_before(whole, 2, 0) == ("set role a",)
    assert not minds_locks_itself(whole, 2, 0)
    assert minds_locks_itself(file("set lock_timeout = 5; | b"), 0, 1)


def test_what_is_told():
    def told(text: str) -> list[tuple[str, str]]:
        return [(one.rule, one.where) for one in segment_findings(file(text))]

    assert told("a; | b;") == []
    assert told("a; | vacuum;") == [("several-transactions", "0000_a.sql")]
    assert told("a; | rollback;") == [("own-transaction", "0000_a.sql, statement 2")]
    assert told("create index concurrently on t (x)") == [
        ("unnamed-index", "0000_a.sql, statement 1")
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("alter table t add x int", 0.5),
        ("insert into t values (1); drop table t", 0.5),
        ("create or replace trigger x before insert on t execute function f()", 0.5),
        ("do $$ begin alter table t add x int; end $$", 0.5),
        ("create table t (trigger int)", 2.0),
        ("update t set x = 1", 2.0),
        ("create index concurrently i on t (x)", 600.0),
        ("-- nothing", 2.0),
    ],
)
def test_what_readers_wait_behind_is_hasty(text: str, seconds: float):
    assert Patience().lock_timeout_s(split(text)) == seconds
