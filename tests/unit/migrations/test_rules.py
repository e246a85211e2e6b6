"""Each rule: what it lets pass, what it names and in which words, and its one name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollout.migrations.lint import findings_of
from rollout.migrations.prechecks import CODES as PRECHECKS
from rollout.migrations.rules import RULES
from rollout.model.catalog import Catalog
from rollout.policy import MigrationRules
from tests.support.migrations import judged
from tests.support.rule_cases import BAD, OK
from tests.support.tables import CATALOG

if TYPE_CHECKING:
    from rollout.model.finding import Finding

ROOT = Path(__file__).parents[3]
CODES = [rule.code for rule in RULES]
FEW = Catalog({name: replace(table, rows=10) for name, table in CATALOG.tables.items()})
# What only takes long; on a table of few rows each of these is silent.
SLOW = {
    "constraint-not-valid",
    "large-update",
    "no-rewrite-under-lock",
    "require-concurrent-index",
    "set-not-null-needs-check",
    "unique-using-index",
    "work-after-exclusive-lock",
}


def findings(sql: str, code: str, catalog: Catalog = CATALOG) -> list[Finding]:
    told = findings_of(judged(sql, catalog))
    return [found for _, said in told for found in said if found.rule == code]


@pytest.mark.parametrize(("code", "sql"), [(code, sql) for code in OK for sql in OK[code]])
def test_a_rule_lets_pass(code: str, sql: str):
    assert findings(sql, code) == []


@pytest.mark.parametrize(
    ("code", "sql", "told"), [(code, sql, told) for code in BAD for sql, told in BAD[code].items()]
)
def test_a_rule_names(code: str, sql: str, told: str):
    (found,) = findings(sql, code)

    assert found.consequence == told
    assert re.fullmatch(r"[A-Z`].*\.", found.help), found.help
    assert re.fullmatch(r"0001_step\.sql, statement 1, line [12]", found.where)


@pytest.mark.parametrize(
    ("code", "sql"), [(code, sql) for code in BAD if code in SLOW for sql in BAD[code]]
)
def test_what_only_takes_long_is_no_finding_on_few_rows(code: str, sql: str):
    assert findings(sql, code, FEW) == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "drop-column",
            "Expand: take note.body out of Drizzle's schema, write DROP NOT NULL where the "
            "generated migration drops it, and deploy that. Contract, in a later deploy: DROP "
            "COLUMN by `drizzle-kit generate --custom`, accepting this rule by name.",
        ),
        (
            "not-null-without-default",
            "Expand: add c without NOT NULL, or with a DEFAULT, and deploy code that always writes "
            "it. Contract, in a later deploy: fill the rows, then SET NOT NULL.",
        ),
        (
            "set-not-null-needs-check",
            "First `ALTER TABLE note ADD CONSTRAINT name CHECK (title IS NOT NULL) NOT VALID`; in "
            "the next migration `ALTER TABLE note VALIDATE CONSTRAINT name`; then `SET NOT NULL` "
            "takes an instant, and the check can be dropped.",
        ),
        (
            "require-concurrent-index",
            "Write `CREATE INDEX CONCURRENTLY` (`.concurrently()` in Drizzle's schema), in a "
            "migration of its own: it cannot run in a transaction.",
        ),
    ],
)
def test_the_help_shows_what_to_write_instead(code: str, words: str):
    (found,) = findings(next(iter(BAD[code])), code)

    assert found.help == words


def test_each_rule_has_cases_of_both_kinds():
    assert sorted(OK) == sorted(BAD) == sorted(CODES)


def test_the_page_says_what_is_refused_unless_set_otherwise():
    page = (ROOT / "docs" / "rules.md").read_text()
    told = dict(re.findall(r"^## (.+)\n\*\*(Refused|Warned)\.\*\*", page, re.MULTILINE))

    words = {"refuse": "Refused", "warn": "Warned"}
    codes = sorted((*CODES, *PRECHECKS))
    assert told == {code: words[MigrationRules().consequence(code)] for code in codes}


def test_file_code_heading_and_setting_agree():
    folder = ROOT / "rollout" / "migrations" / "rules"
    files = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "rules.md").read_text(), re.MULTILINE)

    codes = sorted((*CODES, *PRECHECKS))
    assert headings == codes
    assert [code.replace("-", "_") for code in CODES] == files
    assert [code.replace("-", "_") for code in codes] == list(MigrationRules.model_fields)
