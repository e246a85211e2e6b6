"""Pre-checks on a real PostgreSQL: what they say is what happens when the statement is applied."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from rollout.decide.lint import decide_lint, with_lint
from rollout.decide.migrate import decide_migrations
from rollout.decide.prechecks import with_prechecks
from rollout.executors.database import Database
from rollout.migrations.prechecks import prechecks
from rollout.model.command import Secret
from rollout.model.finding import Finding, Go, Refuse
from rollout.model.target import DatabaseAddress
from rollout.policy import MigrationRules
from tests.support.database import Scratch, folder, held, scratch_database
from tests.support.lab import BASE
from tests.support.migrations import migration
from tests.support.precheck_cases import REFUSED, ROWS, TAKEN, UNSURE
from tests.support.rule_cases import BAD, OK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.decide.lint import Lint

pytestmark = pytest.mark.rehearsal

CODES = {"data-refuses", "data-may-refuse", "precheck-timeout"}
SET_NOT_NULL = "ALTER TABLE person ALTER COLUMN nick SET NOT NULL"


class Asked:
    """A database whose rows are asked over one connection, as nothing is ever changed in it."""

    def __init__(self, scratch: Scratch, database: Database) -> None:
        self.scratch = scratch
        self._database = database
        self._catalog = database.catalog()

    def told(self, sql: str, timeout_s: float = 30, accepted: tuple[str, ...] = ()) -> Lint:
        """Return what is said of a migration, as the task says it."""
        rules = MigrationRules()
        lint = decide_lint((migration(sql),), self._catalog, accepted, rules)
        questions = prechecks((one for one, _ in lint.statements), self._catalog)
        return with_prechecks(lint, self._database.ask(questions, timeout_s), accepted, rules)

    def findings(self, sql: str, timeout_s: float = 30) -> list[Finding]:
        """Return what the rows say."""
        return [one for one in self.told(sql, timeout_s).findings if one.rule in CODES]

    def said(self, sql: str) -> list[str]:
        return [one.rule for one in self.findings(sql)]

    def happens(self, sql: str) -> str:
        """Apply SQL and take it back; return the server's code, empty when it was taken."""
        with psycopg.connect(self.scratch.url) as connection:
            try:
                connection.execute(sql.encode())
            except psycopg.Error as error:
                return error.sqlstate or ""
            finally:
                connection.rollback()
        return ""


@contextmanager
def asked(scratch: Scratch) -> Iterator[Asked]:
    with scratch.open() as database:
        yield Asked(scratch, database)


@pytest.fixture(scope="module")
def rows() -> Iterator[Asked]:
    with scratch_database() as scratch:
        scratch.ask(ROWS)
        with asked(scratch) as database:
            yield database


@pytest.fixture(scope="module")
def lab() -> Iterator[Asked]:
    with scratch_database() as scratch:
        scratch.ask(BASE)
        with asked(scratch) as database:
            yield database


@pytest.mark.parametrize(("sql", "sqlstate"), REFUSED.items())
def test_rows_in_the_way_are_found_and_the_statement_fails(sql: str, sqlstate: str, rows: Asked):
    assert rows.happens(sql) == sqlstate
    assert set(rows.said(sql)) == {"data-refuses"}


@pytest.mark.parametrize("sql", TAKEN)
def test_where_no_rows_are_in_the_way_nothing_is_said(sql: str, rows: Asked):
    assert rows.happens(sql) == ""
    assert rows.said(sql) == []


@pytest.mark.parametrize(("sql", "sqlstate"), UNSURE.items())
def test_what_comes_before_makes_it_a_warning(sql: str, sqlstate: str, rows: Asked):
    assert rows.happens(sql) == sqlstate
    assert set(rows.said(sql)) == {"data-may-refuse"}


CASES = sorted({sql for cases in (*OK.values(), *BAD.values()) for sql in cases})


@pytest.mark.parametrize("sql", [one for one in CASES if "CONCURRENTLY" not in one])
def test_the_cases_of_the_rules_are_foreseen(sql: str, lab: Asked):
    """They were written for the rules and run on many rows: nobody has chosen them for this."""
    failed = lab.happens(sql).startswith(("22", "23"))

    assert ("data-refuses" in lab.said(sql)) == failed


def test_it_is_refused_with_the_number_the_key_of_one_row_and_no_other_value(rows: Asked):
    lint = rows.told("CREATE UNIQUE INDEX ON person (name)")

    assert isinstance(lint.verdict, Refuse)
    (finding,) = (one for one in lint.verdict.findings if one.rule == "data-refuses")
    assert finding.consequence in {
        "the statement will fail (SQLSTATE 23505): there is 1 value of name that several rows of "
        f"person have, for instance in the row with id {key}"
        for key in (1, 3)
    }
    assert "Ann" not in str(lint)


def test_each_column_of_a_key_is_told(rows: Asked):
    (found,) = rows.findings('ALTER TABLE app."Odd ""one" ALTER COLUMN "it\'s" SET NOT NULL')

    assert found.consequence == (
        'the statement will fail (SQLSTATE 23502): there is 1 row of app.Odd "one without a '
        'value in it\'s, for instance in the row with "the key" 1, "user" x'
    )


def test_what_fails_for_a_value_tells_the_code_and_not_the_value(rows: Asked):
    (found,) = rows.findings("ALTER TABLE person ALTER COLUMN number TYPE int USING number::int")

    assert found.consequence == (
        "the statement will fail (SQLSTATE 22P02): there is a row of person whose number cannot "
        "become int"
    )


def test_of_many_rows_it_is_said_that_there_are_more(lab: Asked):
    (found,) = lab.findings("ALTER TABLE note ADD COLUMN c int NOT NULL")

    assert "there are more than 1,000 rows of note" in found.consequence


def test_one_refusal_of_the_plan_names_all_that_has_to_be_accepted(rows: Asked):
    plan = decide_migrations(folder(SET_NOT_NULL), (), None)

    refused = with_lint(plan, rows.told(SET_NOT_NULL)).verdict

    assert isinstance(refused, Refuse)
    assert [one.rule for one in refused.findings] == ["column-made-required", "data-refuses"]
    accepted = tuple(one.rule for one in refused.findings)
    assert isinstance(with_lint(plan, rows.told(SET_NOT_NULL, accepted=accepted)).verdict, Go)


def test_accepted_it_is_tried_all_the_same(rows: Asked):
    lint = rows.told("CREATE UNIQUE INDEX ON person (name)", accepted=("data-refuses",))

    assert isinstance(lint.verdict, Go)
    (found,) = (one for one in lint.findings if one.rule == "data-refuses")
    assert found.consequence.startswith("accepted: the statement will fail")


def test_what_takes_too_long_is_given_up_with_a_warning_and_the_next_is_asked(rows: Asked):
    found = rows.findings(
        "ALTER TABLE seat ADD CHECK (pg_sleep(60) IS NULL);" + SET_NOT_NULL, timeout_s=0.2
    )

    assert [one.rule for one in found] == ["data-refuses", "precheck-timeout"]
    assert "takes too long" in found[1].consequence
    assert "(pg_sleep(60) IS NULL) IS FALSE" in found[1].help


def test_behind_a_lock_nobody_waits(rows: Asked):
    with held(rows.scratch, "LOCK TABLE person"):
        (found,) = rows.findings(SET_NOT_NULL)

    assert found.rule == "precheck-timeout"
    assert "waits for a lock that somebody holds" in found.consequence
    assert rows.said(SET_NOT_NULL) == ["data-refuses"]


def test_nothing_is_written_and_no_transaction_stays_open(rows: Asked):
    rows.scratch.ask("CREATE SEQUENCE IF NOT EXISTS counted")
    (found,) = rows.findings("ALTER TABLE person ADD CHECK (nextval('counted') > 0)")

    assert found.rule == "data-may-refuse"
    assert "the server does not take the question (25006)" in found.consequence
    assert rows.scratch.ask("SELECT is_called FROM counted") == [(False,)]
    assert rows.scratch.ask(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND state LIKE 'idle in transaction%'"
    ) == [(0,)]


@pytest.fixture
def reader(rows: Asked) -> Iterator[str]:
    """Make a role whose name has to be quoted and that may read nothing."""
    name = f"app-{secrets.token_hex(4)}"
    rows.scratch.ask(f"create role \"{name}\" login password 'working'")
    yield name
    rows.scratch.ask(f'drop owned by "{name}" cascade; drop role "{name}"')


def as_role(scratch: Scratch, role: str) -> Database:
    parts = urlsplit(scratch.url)
    url = urlunsplit(parts._replace(netloc=f"{role}:working@{parts.hostname}:{parts.port}"))
    return Database(DatabaseAddress(Secret(url)), scratch.log)


def test_who_may_not_read_is_told_what_to_grant(rows: Asked, reader: str):
    sql = 'ALTER TABLE app."Odd ""one" ADD UNIQUE ("a.b")'
    with as_role(rows.scratch, reader) as database:
        other = Asked(rows.scratch, database)
        (found,) = other.findings(sql)
        assert found.rule == "data-may-refuse"
        assert "the migrating role may not read" in found.consequence
        grants = found.help.removeprefix("Let an administrator run ").partition("; then")[0]
        assert grants == (
            f'GRANT USAGE ON SCHEMA "app" TO "{reader}"; '
            f'GRANT SELECT ON "app"."Odd ""one" TO "{reader}"'
        )
        rows.scratch.ask(grants)
        assert other.said(sql) == ["data-refuses"]


def test_rows_that_a_policy_hides_are_not_taken_for_none(rows: Asked, reader: str):
    rows.scratch.ask(
        f'GRANT SELECT ON seat TO "{reader}"; ALTER TABLE seat ENABLE ROW LEVEL SECURITY'
    )
    with as_role(rows.scratch, reader) as database:
        other = Asked(rows.scratch, database)
        (found,) = other.findings("ALTER TABLE seat ADD UNIQUE (code)")
    rows.scratch.ask("ALTER TABLE seat DISABLE ROW LEVEL SECURITY")

    assert found.rule == "data-may-refuse"
    assert "row level security" in found.consequence
