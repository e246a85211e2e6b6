"""What a migrations folder says, in both of Drizzle's layouts."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.migrations.journal import (
    BREAKPOINT,
    Journal,
    Migration,
    line_in_file,
    parse,
    parse_plain,
    split_statements,
)


def journal_of(*entries: tuple[int, int, str]) -> str:
    return json.dumps(
        {
            "version": "7",
            "dialect": "postgresql",
            "entries": [
                {"idx": idx, "version": "7", "when": when, "tag": tag, "breakpoints": True}
                for idx, when, tag in entries
            ],
        }
    )


TWO = {
    "meta/_journal.json": journal_of((0, 1000, "0000_first"), (1, 2000, "0001_second")),
    "0000_first.sql": "create table note (id int);\n--> statement-breakpoint\nselect 1;\n",
    "0001_second.sql": "select 2;\n",
    "meta/0000_snapshot.json": "{}",
}


def rules(journal: Journal) -> list[tuple[str, str]]:
    return [(finding.rule, finding.where) for finding in (*journal.problems, *journal.warnings)]


def test_a_journal_names_its_files_in_order():
    journal = parse(TWO)

    assert rules(journal) == []
    assert journal.migrations == (
        Migration(
            tag="0000_first",
            when=1000,
            hash=hashlib.sha256(TWO["0000_first.sql"].encode()).hexdigest(),
            statements=("create table note (id int);\n", "\nselect 1;\n"),
            text=TWO["0000_first.sql"],
        ),
        Migration(
            tag="0001_second",
            when=2000,
            hash="ac4396cdee0295db27f816dc31134189999d0071663e618f4957bc23edb584d7",
            statements=("select 2;\n",),
            text="select 2;\n",
        ),
    )
    assert journal.migrations[0].file == "0000_first.sql"


def test_the_hash_is_that_of_every_single_byte():
    plain = parse({**TWO, "0001_second.sql": b"select 2;\n"}).migrations[1].hash
    crlf = parse({**TWO, "0001_second.sql": b"select 2;\r\n"})
    marked = parse({**TWO, "0001_second.sql": b"\xef\xbb\xbfselect 2;\n"})

    assert plain == hashlib.sha256(b"select 2;\n").hexdigest()
    assert crlf.migrations[1].hash == hashlib.sha256(b"select 2;\r\n").hexdigest()
    assert marked.migrations[1].hash == hashlib.sha256(b"\xef\xbb\xbfselect 2;\n").hexdigest()
    assert rules(crlf) == [("crlf", "0001_second.sql")]
    assert rules(marked) == [("byte-order-mark", "0001_second.sql")]


def test_what_is_no_utf8_is_read_as_node_reads_it():
    journal = parse({**TWO, "0001_second.sql": b"select '\xe9';\n"})

    assert journal.migrations[1].text == "select '�';\n"
    assert rules(journal) == [("not-utf8", "0001_second.sql")]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", ("a",)),
        ("", ("",)),
        (f"a;{BREAKPOINT}b;", ("a;", "b;")),
        (f"-- {BREAKPOINT}", ("-- ", "")),
        (f"select '{BREAKPOINT}';", ("select '", "';")),
        (f"do $$ begin {BREAKPOINT} end $$", ("do $$ begin ", " end $$")),
    ],
)
def test_the_marker_cuts_wherever_it_stands(text: str, parts: tuple[str, ...]):
    assert split_statements(text) == parts


@given(st.lists(st.text(alphabet="a;'$\n-> {}%é", max_size=12), min_size=1))
def test_cutting_loses_nothing(parts: list[str]):
    text = BREAKPOINT.join(parts)

    assert BREAKPOINT.join(split_statements(text)) == text
    assert not any(BREAKPOINT in part for part in split_statements(text))


@pytest.mark.parametrize(
    ("number", "position", "line"),
    [(1, 1, 1), (1, 29, 2), (2, 1, 2), (2, 2, 3), (2, 9, 3)],
)
def test_a_place_in_a_statement_is_found_in_its_file(number: int, position: int, line: int):
    assert line_in_file(parse(TWO).migrations[0], number, position) == line


BROKEN = "the journal cannot be read: "


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "<<<<<<< HEAD",
            "Expecting value: line 1 column 1 (char 0)",
        ),
        ("{}", "'entries'"),
        ("[]", "list indices must be integers or slices, not str"),
        ('{"entries": [{"idx": 0, "when": 1}]}', "'tag'"),
        (
            journal_of((0, 1, "../secret")),
            "'../secret' should be the name of a file without `.sql`",
        ),
        (journal_of((0, 1, "a"), (1, 2, "a")), "a is entered twice"),
        (
            '{"entries": [{"idx": 0, "when": "now", "tag": "a"}]}',
            "'now' should be a whole number",
        ),
        (
            '{"entries": [{"idx": true, "when": 1, "tag": "a"}]}',
            "True should be a whole number",
        ),
    ],
)
def test_a_broken_journal_is_a_problem(text: str, told: str):
    journal = parse({**TWO, "meta/_journal.json": text})

    assert journal.migrations == ()
    assert [finding.consequence for finding in journal.problems] == [BROKEN + told]


def test_a_folder_without_a_journal_is_a_problem():
    assert rules(parse({})) == [("missing-journal", "meta/_journal.json")]
    assert rules(parse({"0000_first.sql": "select 1"})) == [
        ("missing-journal", "meta/_journal.json")
    ]


def test_an_entry_without_a_file_is_a_problem_and_the_others_are_still_read():
    journal = parse({path: text for path, text in TWO.items() if path != "0000_first.sql"})

    assert rules(journal) == [("entry-without-file", "0000_first.sql")]
    assert [migration.tag for migration in journal.migrations] == ["0001_second"]


def test_a_zero_byte_is_a_problem():
    journal = parse({**TWO, "0001_second.sql": "select 1;\0drop table note;"})

    assert [finding.rule for finding in journal.problems] == ["null-byte"]


def test_what_is_odd_is_said():
    journal = parse(
        {
            "meta/_journal.json": journal_of((0, 2000, "0000_a"), (2, 1000, "0002_b")),
            "0000_a.sql": "select 1;",
            "0002_b.sql": "select 1;",
            "0001_lost.sql": "select 3;",
            "old/0000_a.sql": "not ours",
        }
    )

    assert journal.problems == ()
    assert rules(journal) == [
        ("index-gap", "0002_b.sql"),
        ("journal-out-of-order", "0002_b.sql"),
        ("file-without-entry", "0001_lost.sql"),
        ("duplicate-content", "0000_a.sql"),
        ("duplicate-content", "0002_b.sql"),
    ]


def test_drizzle_1_names_folders_by_their_second():
    journal = parse(
        {
            "20260102030405_second/migration.sql": "select 2;\n",
            "20260102030405_second/snapshot.json": "{}",
            "20250102030405_first/migration.sql": "select 1;\n",
        }
    )

    assert rules(journal) == []
    first, second = journal.migrations
    assert (first.name, first.tag, first.when) == (
        "20250102030405_first",
        "20250102030405_first",
        1735787045000,
    )
    assert second.file == "20260102030405_second/migration.sql"


def test_a_folder_dated_at_no_time_is_a_problem():
    journal = parse({"20261399999999_first/migration.sql": "select 1;\n"})

    assert [finding.rule for finding in journal.problems] == ["broken-journal"]


def test_equal_dates_are_told():
    entries = [{"idx": n, "when": 5, "tag": tag} for n, tag in enumerate(("0000_a", "0001_b"))]
    journal = parse(
        {
            "meta/_journal.json": json.dumps({"entries": entries}),
            "0000_a.sql": "select 1",
            "0001_b.sql": "select 2",
        }
    )

    assert rules(journal) == [("equal-when", "0001_b.sql")]


def test_equal_dates_of_drizzle_1_are_told():
    names = ("20250101000000_a", "20250101000000_b")
    journal = parse({f"{name}/migration.sql": f"select '{name}'" for name in names})

    assert rules(journal) == [("equal-when", "20250101000000_b/migration.sql")]


def test_an_empty_file_is_told():
    journal = parse({"20250101000000_a/migration.sql": " \n"})

    assert rules(journal) == [("empty-file", "20250101000000_a/migration.sql")]


def test_a_folder_of_both_layouts_is_told():
    journal = parse(
        {
            "meta/_journal.json": json.dumps({"entries": []}),
            "20250101000000_a/migration.sql": "select 1",
        }
    )

    assert rules(journal) == [("mixed-layouts", "20250101000000_a/migration.sql")]


ROOT = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("chain", "heads"),
    [
        ([("a", ROOT), ("b", "a"), ("c", "b")], []),
        ([("a", ROOT), ("b", "a"), ("c", "a")], ["meta/0002_snapshot.json"]),
        ([("a", ROOT), ("c", "deleted")], []),
        ([], []),
    ],
)
def test_two_heads_are_told(chain: list[tuple[str, str]], heads: list[str]):
    files = {"meta/_journal.json": json.dumps({"entries": []})}
    for number, (name, before) in enumerate(chain):
        text = json.dumps({"id": name, "prevId": before})
        files[f"meta/{number:04}_snapshot.json"] = text

    assert rules(parse(files)) == [("two-heads", where) for where in heads]


def test_two_heads_that_drizzle_1_merged_are_one():
    def snapshot(name: str, *before: str) -> str:
        return json.dumps({"id": name, "prevIds": before})

    files = {
        "20250101000000_a/migration.sql": "select 1",
        "20250101000000_a/snapshot.json": snapshot("a", ROOT),
        "20250101000001_b/snapshot.json": snapshot("b", "a"),
        "20250101000002_c/snapshot.json": snapshot("c", "a"),
    }

    assert rules(parse(files)) == [("two-heads", "20250101000002_c/snapshot.json")]
    assert rules(parse({**files, "20250101000003_d/snapshot.json": snapshot("d", "b", "c")})) == []


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"id": "a", "prevIds": 3}', '"x"'])
def test_a_snapshot_that_cannot_be_read_says_nothing(text: str):
    files = {"meta/_journal.json": json.dumps({"entries": []}), "meta/0000_snapshot.json": text}

    assert rules(parse(files)) == []


def test_plain_files_are_ordered_and_identified_by_their_names():
    journal = parse_plain(
        {"0002_b.sql": "select 2;\n", "0001_a.sql": "select 1;", "README.md": "", "old/0.sql": ""}
    )

    assert [(one.tag, one.when, one.file) for one in journal.migrations] == [
        ("0001_a", 1, "0001_a.sql"),
        ("0002_b", 2, "0002_b.sql"),
    ]
    assert journal.migrations[1].statements == ("select 2;\n",)
    assert rules(journal) == []


def test_a_folder_without_plain_files_does_not_say_which_there_are():
    assert rules(parse_plain({"meta/_journal.json": "{}"})) == [("missing-files", "*.sql")]


def test_a_plain_file_is_looked_at_as_any_other():
    journal = parse_plain({"0001_a.sql": b"select '\xff';\r\n", "0002_b.sql": "\0"})

    assert rules(journal) == [
        ("null-byte", "0002_b.sql"),
        ("not-utf8", "0001_a.sql"),
        ("crlf", "0001_a.sql"),
    ]
