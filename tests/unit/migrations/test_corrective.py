"""Corrective migrations, written out; that they hold is shown by the lab (tests/integration)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rollout.decide.compatible.judge import RULES, compatible
from rollout.decide.corrective import (
    Corrective,
    decide_corrective,
    refuse_failed,
    refuse_missing,
    refuse_unplanned,
    sure_witnesses,
)
from rollout.decide.migrate import decide_migrations
from rollout.migrations.corrective import Draft, draft, in_folder
from rollout.migrations.journal import Journal, parse
from rollout.migrations.restoring import RESTORING
from rollout.migrations.sql import parse_sql
from rollout.model.contract import Contract, EnumType, Key
from rollout.model.finding import Finding, Go, Refuse
from rollout.model.overview import ReleaseLine
from rollout.model.trial import Outcome, Witness
from rollout.render.corrective import corrective_json, render_corrective
from tests.support.contracts import NOTE, column, contract, note, table

V0 = {
    "meta/_journal.json": json.dumps(
        {
            "version": "7",
            "dialect": "postgresql",
            "entries": [
                {"idx": 0, "version": "7", "when": 5000, "tag": "0000_a", "breakpoints": True}
            ],
        }
    ),
    "0000_a.sql": "select 1;",
}
V1 = {"20260101000000_a/migration.sql": "select 1;"}


def drafted(old: Contract, live: Contract) -> Draft:
    return draft(old, live, compatible(old, live))


def test_nothing_broken_needs_nothing():
    one = drafted(note(), note())

    assert (one.statements, one.text, one.describe()) == ((), "", "nothing is broken")


def test_a_dropped_column_comes_back_able_to_be_null_and_its_values_do_not():
    one = drafted(note(), note(without="title"))

    assert one.statements == ('alter table public.note add column "title" character varying(20)',)
    assert one.describe() == (
        "column-gone: public.note.title: alter table public.note add column "
        '"title" character varying(20) (the values that it held do not come back; rows that are '
        "there have its default)"
    )


def test_a_dropped_column_brings_its_enum_and_its_key_along():
    mood = EnumType("public.mood", ("it's calm", "busy"))
    key = Key(("feeling",))
    old = note(column("feeling", "public.mood"), keys=(*NOTE.keys, key))

    one = drafted(replace(old, enums=(mood,)), note())

    assert one.statements == (
        "create type public.mood as enum ('it''s calm', 'busy')",
        'alter table public.note add column "feeling" public.mood',
        'create unique index on public.note ("feeling")',
    )


def test_a_key_that_the_default_would_break_is_left_out():
    old = note(column("kind", default="'x'::text"), keys=(*NOTE.keys, Key(("kind",))))

    assert drafted(old, note()).statements == (
        "alter table public.note add column \"kind\" text default 'x'::text",
    )


def test_two_tables_that_could_be_the_renamed_one_are_no_guess():
    renamed = [replace(NOTE, name=name) for name in ("public.a", "public.b")]

    one = drafted(contract(NOTE), contract(*renamed))

    assert one.statements[0].startswith("create table public.note (")
    assert one.restored[0].answer.lost.startswith("its rows do not come back")


def test_rights_by_column_are_granted_by_column():
    old = note(column("body", may=("SELECT",)), may=("DELETE",))
    live = note(column("body"), may=("DELETE",))
    one = drafted(old, replace(live, relations=(replace(live.relations[0], may=()),)))

    assert one.statements[1] == 'grant DELETE on public.note to "app"'
    assert 'grant SELECT ("body") on public.note to "app"' in one.statements


def test_a_column_of_another_type_has_no_draft_and_says_why():
    one = drafted(note(), note(column("body", "jsonb")))

    assert one.text == ""
    assert [missing.answer.lost for missing in one.missing] == [
        "the code that serves now reads jsonb, and one column cannot be read as two types"
    ]


@pytest.mark.parametrize("kind", ["materialized view", "partitioned table", "foreign table"])
def test_other_relations_have_no_draft(kind: str):
    gone = table(column("id"), name="public.other", kind=kind)

    assert len(drafted(contract(NOTE, gone), contract(NOTE)).missing) == 1


def test_each_answered_rule_is_one_of_the_relation():
    assert RESTORING.keys() <= {rule.name for rule in RULES}


def test_a_file_of_the_layout_with_a_journal():
    text = drafted(note(), note(without="body")).text
    written = in_folder(text, parse(V0), V0["meta/_journal.json"], now_ms=9000)

    assert written["0001_corrective.sql"] == (
        "-- Drafted from the schema contracts. It has no snapshot: bring schema.ts in line with "
        "it,\n-- and let drizzle-kit write the next one.\n"
        'alter table public.note add column "body" text;\n'
    )
    journal = parse({**V0, **written})
    assert [(one.tag, one.when) for one in journal.migrations] == [
        ("0000_a", 5000),
        ("0001_corrective", 9000),
    ]
    assert journal.problems == ()
    assert parse_sql(journal.migrations[1])[1] == ()


def test_a_file_of_drizzle_1():
    written = in_folder("select 2;\n", parse(V1), "", now_ms=1_800_000_000_000)

    assert written == {"20270115080000_corrective/migration.sql": "select 2;\n"}
    assert [one.tag for one in parse({**V1, **written}).migrations][1:] == [
        "20270115080000_corrective"
    ]


def test_it_stands_after_the_newest_also_when_the_clock_does_not():
    assert in_folder("", parse(V1), "", now_ms=0) == {"20260101000001_corrective/migration.sql": ""}
    written = in_folder("", parse(V0), V0["meta/_journal.json"], now_ms=0)
    assert parse({**V0, **written}).migrations[1].when == 5001


def test_an_empty_folder_gets_its_first():
    empty = json.dumps({"entries": []})

    assert "0000_corrective.sql" in in_folder("", Journal(()), empty, now_ms=1)


def test_a_draft_that_restores_is_offered_with_what_stays_lost():
    old, live = note(), note(without="body")
    verdict = decide_corrective(drafted(old, live), old, live, note(), ())

    assert verdict == Go(
        (
            Finding(
                "corrective-lost",
                "the values that it held do not come back; rows that are there have its default",
                "public.note.body",
                "Restore it from a backup if the older code needs it.",
            ),
        )
    )


def test_a_draft_is_refused_for_either_code_and_for_a_witness():
    old, live = note(), note(column("extra"), without="body")
    met = Witness("insert public.note", "insert into note ...", "is refused", "23505")

    verdict = decide_corrective(drafted(old, live), old, live, note(without="body"), (met,))

    assert isinstance(verdict, Refuse)
    assert [(one.rule, one.where) for one in verdict.findings] == [
        ("corrective-incomplete", "public.note.body"),
        ("corrective-breaks", "public.note.extra"),
        ("corrective-refuted", "insert public.note"),
    ]


# --- whether it may be offered ---


def test_only_what_no_value_can_cause_is_a_sure_witness():
    codes = ("", "42703", "42P10", "42501", "23502", "23505", "22001")
    said = [Outcome(f"trial {code}", "insert", code) for code in codes]

    assert [one.sqlstate for one in sure_witnesses(said)] == ["42703", "42P10"]


def test_a_break_without_a_draft_is_refused_with_its_reason():
    one = drafted(note(column("body", "text")), note(column("body", "integer")))
    verdict = refuse_missing(one)

    assert isinstance(verdict, Refuse)
    assert verdict.findings[0].rule == "corrective-no-draft"
    assert verdict.findings[0].where == "public.note.body"
    assert "type-other: " in verdict.findings[0].consequence
    assert refuse_missing(drafted(note(), note())) == Go()


def test_a_draft_must_be_the_only_one_that_is_pending():
    journal = parse(V0)
    only = journal.migrations[0]
    plan = decide_migrations(journal, (), None)
    draft_ = replace(only, tag="0001_corrective")

    assert refuse_unplanned(plan, only) == Go()
    alone = refuse_unplanned(plan, draft_)
    assert isinstance(alone, Refuse)
    assert [(one.rule, one.where) for one in alone.findings] == [
        ("corrective-not-alone", "0000_a.sql")
    ]
    broken = decide_migrations(parse({}), (), None)
    assert refuse_unplanned(broken, draft_) == broken.verdict


def test_a_draft_that_fails_says_what_the_server_said():
    verdict = refuse_failed("no such table", parse(V0).migrations[0])

    assert isinstance(verdict, Refuse)
    assert verdict.findings[0].rule == "corrective-fails"
    assert verdict.findings[0].consequence.endswith("live schema: no such table")


RELEASE = ReleaseLine(7, "b" * 40, "sha256:1", "verified", "", "", "", "", 3, on_host=True)


def test_a_draft_written_out():
    one = drafted(note(), note(without="title"))
    made = Corrective(one, {"0001_corrective.sql": one.text}, Go())

    assert render_corrective(RELEASE, made) == (
        "release 7 (bbbbbbbbbbbb): the draft may be offered\n"
        "\n"
        "column-gone: public.note.title\n"
        '  alter table public.note add column "title" character varying(20)\n'
        "  lost: the values that it held do not come back; rows that are there have its default\n"
        "\n"
        "--- 0001_corrective.sql\n" + one.text.rstrip()
    )
    said = json.loads(corrective_json("production", RELEASE, made))
    assert (said["offered"], said["findings"]) == (True, [])
    assert said["files"] == made.files
    assert [restored["rule"] for restored in said["restored"]] == ["column-gone"]


def test_a_refusal_and_nothing_to_do_written_out():
    none = drafted(note(column("body", "text")), note(column("body", "integer")))
    refused = Corrective(none, {}, refuse_missing(none))
    words = render_corrective(RELEASE, refused)

    assert words.startswith("release 7 (bbbbbbbbbbbb): the draft is refused\n")
    assert "\n  no draft\n" in words
    assert "\nrefused by corrective-no-draft: public.note.body\n  consequence: " in words
    assert json.loads(corrective_json("x", RELEASE, refused))["findings"][0]["help"]
    fine = Corrective(drafted(note(), note()), {}, Go())
    assert render_corrective(RELEASE, fine) == (
        "release 7 (bbbbbbbbbbbb): nothing is broken, so nothing has to be corrected"
    )
