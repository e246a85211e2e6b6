"""A table of names that an application's own command keeps, on a real PostgreSQL."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from rollout.decide.migrate import decide_migrations, verify_applied
from rollout.errors import DatabaseError
from rollout.executors.files import read_environment
from rollout.executors.process import run_local
from rollout.migrations.journal import parse_plain
from rollout.model.command import Command
from rollout.model.finding import Go
from tests.support.database import Scratch, scratch_database
from tests.support.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.rehearsal

NOTES = read_environment("notes").migrations
SOURCE = ROOT / "infra/rehearsal/notes"
JOURNAL = parse_plain({path.name: path.read_bytes() for path in (SOURCE / "migrations").iterdir()})


@pytest.fixture
def scratch() -> Iterator[Scratch]:
    with scratch_database() as database:
        yield database


def test_what_the_command_has_noted_is_what_is_held(scratch: Scratch):
    with scratch.open() as database:
        before = decide_migrations(JOURNAL, database.held(NOTES), None)
        result = run_local(
            Command((sys.executable, *NOTES.command[1:])),
            cwd=SOURCE,
            env={"DATABASE_URL": scratch.address.url},
            log=scratch.log,
        )
        held = database.held(NOTES)

    assert before.pending == JOURNAL.migrations
    assert result.ok, result.stderr
    assert scratch.logged[-1] == "0001_note.sql applied"
    assert [one.name for one in held] == ["0001_note"]
    assert verify_applied(JOURNAL, held) == Go()
    assert decide_migrations(JOURNAL, held, ()).is_empty


def test_a_table_without_the_column_is_told(scratch: Scratch):
    scratch.ask("create table public.applied_migration (file text)")

    with scratch.open() as database, pytest.raises(DatabaseError, match="cannot be read"):
        database.held(NOTES)
