"""What migrate-prod hands on: what the database holds for a release's code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Migrated:
    """A database that a commit's code can serve from.

    Attributes:
        tags: Tags of the migrations that the code expects, in order; all of them are applied.
        contract: Text of the schema contract, read once they were.
    """

    tags: tuple[str, ...]
    contract: str
