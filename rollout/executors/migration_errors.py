"""Says in our words what went wrong while a migration file ran."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.errors import DatabaseLocked, MigrationFailed, MigrationUnfinished
from rollout.executors.postgres import UNKNOWN, cut, is_cut
from rollout.migrations.journal import line_in_file

if TYPE_CHECKING:
    import psycopg

    from rollout.errors import DatabaseError
    from rollout.migrations.journal import Migration
    from rollout.migrations.segments import Step

LOCK_STATES = {"55P03", "40P01"}  # lock_not_available, deadlock_detected
# Insufficient resources, and errors of the server's own system: nothing that the file did wrong.
_SHORT_STATES = ("53", "58")
# What the server calls an error after which it ends the session, or itself.
_ENDING = ("FATAL", "PANIC")
_READ_ONLY_STATE = "25006"  # read_only_sql_transaction
WHOLE = "The file was rolled back as a whole; those before it stay applied."
PARTLY = (
    "What was done of the file before that stays applied and is noted; those before it too. The "
    "next run goes on there."
)

LEAVE_THE_TEXT = (
    "Leave the file as it is: correct what stood in its way, rows for instance, then retry. If its "
    "text is wrong, first take back by hand what it did and delete its rows from "
    "deploy.migration_step; then correct it in a new commit and deploy that."
)


def left_of(*, partly: bool) -> str:
    """Return what is left of a file that failed."""
    return PARTLY if partly else WHOLE


def place(migration: Migration, step: Step | None, error: psycopg.Error | None = None) -> str:
    """Return where in a file something happened, as `0001_a.sql, statement 2, line 5`.

    Args:
        migration: The file.
        step: What was sent; None when it was nothing of the file's own.
        error: The server's answer, which may tell a position in it.
    """
    if step is None:
        return f"{migration.file}, its row"
    position = error.diag.statement_position if error else None
    line = ""
    if position is not None:
        line = f", line {line_in_file(migration, step.part, step.start + int(position))}"
    return f"{migration.file}, statement {step.part}{line}"


def failure(where: str, tries: int, error: psycopg.Error, *, partly: bool) -> DatabaseError:
    """Return our own error for the server's.

    Args:
        where: The place in the file.
        tries: How often it was tried.
        error: The server's answer to the last try.
        partly: Whether something of the file stays applied.
    """
    if is_cut(error):
        return cut(where)
    # Not the detail: it repeats values of rows.
    what = f"{where}: {error.diag.message_primary} (SQLSTATE {error.sqlstate}{_object(error)})"
    refused = _refused(what, tries, error, partly=partly)
    refused.sqlstate = error.sqlstate or ""
    return refused


def _refused(what: str, tries: int, error: psycopg.Error, *, partly: bool) -> DatabaseError:
    left = left_of(partly=partly)
    if error.sqlstate in LOCK_STATES:
        return DatabaseLocked(
            f"{what}, {tries} times; each try waited for a moment only, so that nobody else did",
            left=left,
            next_step="Retry when who is named in the log above has ended.",
        )
    if error.diag.severity_nonlocalized in _ENDING:
        left = UNKNOWN
    if error.sqlstate and error.sqlstate.startswith(_SHORT_STATES):
        return MigrationUnfinished(
            what,
            left=left,
            next_step="The migration need not be changed: give the database's server what it is "
            "short of (disk, memory or connections), then retry.",
        )
    if error.sqlstate == _READ_ONLY_STATE:
        return MigrationUnfinished(
            what,
            left=left,
            next_step="If the file sets that itself, take it out; else the server takes no writes "
            "any more: look whether it is the primary, then retry.",
        )
    if partly:
        return MigrationUnfinished(what, left=left, next_step=LEAVE_THE_TEXT)
    return MigrationFailed(
        what, left=left, next_step="Correct the migration in a new commit and deploy that."
    )


def _object(error: psycopg.Error) -> str:
    """Return what the server says it is about, as `, table note, column body`."""
    parts = (
        ("table", error.diag.table_name),
        ("column", error.diag.column_name),
        ("constraint", error.diag.constraint_name),
    )
    return "".join(f", {kind} {name}" for kind, name in parts if name)
