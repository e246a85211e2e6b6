"""Decides whether a backup of the database is made before pending migrations are applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.migrations.judge import judge
from rollout.migrations.lint import findings_of
from rollout.migrations.sql import parse_sql

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.migrations.journal import Migration
    from rollout.model.backup import Backup
    from rollout.model.catalog import Catalog

DESTROYING = frozenset({"change-column-type", "destroys-data", "drop-column", "drop-object"})
"""Rules whose findings are about values or rows that no later migration brings back."""
FRESH_S = 900.0
"""How old a backup may be that a try again does with, in seconds."""
_PLACES = 3


@dataclass(frozen=True, slots=True)
class Loss:
    """What pending migrations destroy.

    Attributes:
        places: The statements that destroy data, as file and line; empty when none does.
        files: The files that they stand in, by date and hash.
    """

    places: tuple[str, ...]
    files: tuple[str, ...]

    def describe(self) -> str:
        """Return where data is destroyed, in one line; empty when it is nowhere."""
        more = len(self.places) - _PLACES
        told = ", ".join(self.places[:_PLACES])
        return f"{told} and {more} more" if more > 0 else told

    def announce(self, instance: str) -> str:
        """Return what comes before applying, in one line; empty when no data is destroyed.

        Args:
            instance: The instance that is backed up; empty for none.
        """
        if not self.places:
            return ""
        if not instance:
            return f"data is destroyed by {self.describe()}, and no backup_instance is set"
        return f"a backup of {instance} comes first, because data is destroyed by {self.describe()}"


def decide_loss(pending: Iterable[Migration], catalog: Catalog) -> Loss:
    """Return which statements destroy data, whatever the environment makes of their findings.

    Args:
        pending: The migrations, in the order in which they run.
        catalog: The database's tables as they are before the first of them.
    """
    migrations = tuple(pending)
    judged = judge((one for file in migrations for one in parse_sql(file)[0]), catalog)
    found = [
        one.statement
        for one, findings in findings_of(judged)
        if any(finding.rule in DESTROYING for finding in findings)
    ]
    names = {statement.file for statement in found}
    return Loss(
        tuple(dict.fromkeys(statement.where for statement in found)),
        tuple(_identity(file) for file in migrations if file.file in names),
    )


def serves_again(backup: Backup | None, loss: Loss) -> bool:
    """Return whether the backup of an earlier try does for this one.

    It does when it was made before every file that destroys data now, and so lately that what was
    written since is no more than what is written while any backup is waited for.

    Args:
        backup: The newest one that is noted; None when none is.
        loss: What is destroyed now.
    """
    if backup is None or backup.age_s > FRESH_S:
        return False
    return set(loss.files) <= set(backup.files)


def _identity(file: Migration) -> str:
    """Return what tells a file from another one with the same text."""
    return f"{file.when} {file.hash}"
