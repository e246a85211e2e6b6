"""What migrate-prod hands on: what is to come, and what the database holds for a release's code."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.dry_run import Difference


@dataclass(frozen=True, slots=True)
class Planned:
    """What migrate-prod would do.

    Attributes:
        tags: Tags of the migrations that it would apply, in order.
        contract: Text of the schema contract that they led to on a scratch copy; empty where they
            were not tried.
        known: What the copy had otherwise than the live schema before any of them.
    """

    tags: tuple[str, ...] = ()
    contract: str = ""
    known: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Migrated:
    """A database that a commit's code can serve from.

    Attributes:
        tags: Tags of the migrations that the code expects, in order; all of them are applied.
        contract: Text of the schema contract, read once they were.
    """

    tags: tuple[str, ...]
    contract: str
