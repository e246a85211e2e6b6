"""What squawk says, read and put beside the statement that it is about."""

from __future__ import annotations

import json

import pytest

from rollout.decide.lint import decide_lint
from rollout.migrations.second_opinion import Opinion, parse_opinions, with_opinions
from rollout.migrations.table import table_rows
from rollout.model.finding import Finding
from rollout.policy import MigrationRules
from tests.support.migrations import migration
from tests.support.tables import CATALOG

SQL = "-- gone\nALTER TABLE note DROP COLUMN title;\nCREATE INDEX\n  i ON note (amount);\nSELECT 1"
FILE = "0001_step.sql"
LATE = Finding("out-of-order", "it is dated before", "0000_step.sql", "Nothing to do.")


def said(*rules: str) -> str:
    return json.dumps([{"line": 3, "rule_name": rule, "message": "Two\n words."} for rule in rules])


def column(*opinions: Opinion) -> list[str]:
    lint = decide_lint([migration(SQL)], CATALOG, (), MigrationRules())
    rows = table_rows(lint.statements, (LATE,))
    told = with_opinions(rows, [one.statement for one, _ in lint.statements], opinions)
    assert [{**row, "second opinion": ""} for row in rows] == [
        {**row, "second opinion": ""} for row in told
    ]
    return [row["second opinion"] for row in told]


def test_lines_are_counted_from_one_and_a_message_is_one_line():
    assert parse_opinions(FILE, said("ban-drop-column", "renaming-column")) == (
        Opinion(FILE, 4, "ban-drop-column", "Two words."),
        Opinion(FILE, 4, "renaming-column", "Two words."),
    )


@pytest.mark.parametrize(
    "rule",
    [
        "prefer-text-field",
        "prefer-robust-stmts",
        "require-lock-timeout",
        "require-statement-timeout",
        "require-timeout-settings",
        "require-table-schema",
        "ban-char-field",
    ],
)
def test_style_and_timeouts_are_left_out(rule: str):
    assert parse_opinions(FILE, said(rule)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "thread 'main' panicked",
        "{}x",
        "7",
        "[7]",
        '[{"line": 1}]',
        '[{"line": null, "rule_name": "a", "message": "b"}]',
        '[{"line": "two", "rule_name": "a", "message": "b"}]',
        '[{"line": 1, "rule_name": "a", "message": null}]',
        '{"errors": []}',
    ],
)
def test_another_form_is_a_value_error(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 - json's own is one too
        parse_opinions(FILE, text)


def test_an_opinion_stands_beside_its_statement():
    assert column(
        Opinion(FILE, 2, "ban-drop-column", "it goes"),
        Opinion(FILE, 4, "require-concurrent-index-creation", "they wait"),
        Opinion(FILE, 4, "another", "it is long"),
    ) == [
        "",
        "ban-drop-column: it goes",
        "require-concurrent-index-creation: they wait; another: it is long",
        "none",
    ]


def test_one_before_the_first_statement_is_about_it_and_one_of_another_file_about_none():
    assert column(
        Opinion(FILE, 1, "syntax-error", "what is this"), Opinion("0009_other.sql", 2, "a", "b")
    ) == ["", "syntax-error: what is this", "none", "none"]


def test_nothing_said_is_said():
    assert column() == ["", "none", "none", "none"]
