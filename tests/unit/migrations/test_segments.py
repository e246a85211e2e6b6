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
from rollout.migrations.sql import pieces_of

# SQL that is nested deeper than a parse tree can be handed over.
DEEP = "select " + " + ".join("1" * 300)
IDIOM = "do $$ begin create type c as enum (); exception when duplicate_object then null; end $$"


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
        ("table a; table b; | table c;", [("transaction", ["table a; table b;", "table c;"])]),
        ("commit;", []),
        (
            "table a; | create index concurrently i on t (x); | table b;",
            [
                ("transaction", ["table a;"]),
                ("autocommit", ["create index concurrently i on t (x)"]),
                ("transaction", ["table b;"]),
            ],
        ),
        (
            "table a; vacuum t; drop index concurrently i; table b",
            [
                ("transaction", ["table a"]),
                ("autocommit", ["vacuum t", "drop index concurrently i"]),
                ("transaction", ["table b"]),
            ],
        ),
        (
            "table a; | commit; | table b; table c;",
            [("transaction", ["table a;"]), ("transaction", ["table b; table c;"])],
        ),
        ("begin; table a; commit;", [("transaction", ["table a"])]),
        (
            "table a; commit; begin; table b;",
            [("transaction", ["table a"]), ("transaction", ["table b"])],
        ),
        ("table a; rollback; table b", [("transaction", ["table a; rollback; table b"])]),
        (
            "table a; alter tble b; vacuum t; | vacuum t;",
            [("transaction", ["table a; alter tble b; vacuum t;"]), ("autocommit", ["vacuum t"])],
        ),
        (
            f"vacuum t; {DEEP}; drop index concurrently i;",
            [
                ("autocommit", ["vacuum t"]),
                ("transaction", [DEEP]),
                ("autocommit", ["drop index concurrently i"]),
            ],
        ),
        (
            "-- é\ntable a; -- why\n vacuum t /* ; */ ;; table b -- so",
            [
                ("transaction", ["-- é\ntable a"]),
                ("autocommit", ["-- why\n vacuum t /* ; */"]),
                ("transaction", ["; table b -- so"]),
            ],
        ),
        (
            f"{IDIOM}; | vacuum t;",
            [("transaction", [f"{IDIOM};"]), ("autocommit", ["vacuum t"])],
        ),
        (
            "alter type c add value 'x'; | table a;",
            [("transaction", ["alter type c add value 'x';", "table a;"])],
        ),
        (
            "alter type c add value 'x'; | insert into t values ('x');",
            [
                ("transaction", ["alter type c add value 'x'"]),
                ("transaction", ["insert into t values ('x');"]),
            ],
        ),
        (
            "alter type c add value 'x'; alter table t alter v set default 'x'; table b",
            [
                ("transaction", ["alter type c add value 'x'"]),
                ("transaction", ["alter table t alter v set default 'x'", "table b"]),
            ],
        ),
    ],
)
def test_segments(text: str, segments: list[tuple[str, list[str]]]):
    assert planned(text) == segments


def test_a_step_knows_its_place():
    _, second = plan_segments(file("table a; | table b;\n vacuum;"))

    assert (second.steps[0].part, second.steps[0].start) == (2, 9)


def test_settings_hold_over_edges_but_not_local_ones():
    whole = file(
        "set role a; set local work_mem = 1; | vacuum; vacuum; | set lock_timeout = 5; "
        "table b; table c"
    )

    assert settings_before(whole, 0, 0) == ()
    assert settings_before(whole, 1, 1) == ("set role a",)
    assert settings_before(whole, 2, 0) == ("set role a",)
    assert not minds_locks_itself(whole, 2, 0)
    assert minds_locks_itself(file("set lock_timeout = 5; | table b"), 0, 1)


def test_what_is_told():
    def told(text: str) -> list[tuple[str, str]]:
        return [(one.rule, one.where) for one in segment_findings(file(text))]

    assert told("table a; | table b;") == []
    assert told("table a; | vacuum;") == [("several-transactions", "0000_a.sql")]
    assert told("table a; | rollback;") == [("own-transaction", "0000_a.sql, statement 2")]
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
        ("rename table t", 0.5),
        ("alter table t rename to u; vacuum t", 0.5),
        (f"update t set x = 1; {DEEP}", 0.5),
        ("vacuum t", 600.0),
        ("analyze t", 2.0),
        ("-- nothing", 2.0),
    ],
)
def test_what_readers_wait_behind_is_hasty(text: str, seconds: float):
    assert Patience().lock_timeout_s(pieces_of(text)) == seconds
