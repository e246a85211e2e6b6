"""Decides whether a release's contract can be derived from its migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollout.migrations.journal import Journal
    from rollout.model.release import Release

OWN_COMMAND = "the application's own command applies its migrations, which is not replayed"
NO_SCRATCH = "the environment names no scratch_database to replay its migrations on"


def why_not_replayed(release: Release, journal: Journal) -> str:
    """Return why a release's migrations cannot be replayed, as a fragment; empty when they can.

    Args:
        release: The release.
        journal: What the migrations folder of its commit says.
    """
    tags = tuple(one.tag for one in journal.migrations)
    if journal.problems:
        first = journal.problems[0]
        return f"{first.where} of its commit cannot be read: {first.consequence}"
    if not tags:
        return "its commit has no migrations"
    if tags != release.migrations:
        return "the migrations of its commit are not those that it was deployed with"
    return ""
