"""Decides whether a database that holds no migration may be the one of what serves.

Every migration would be pending on it. Applied there, the release would be found to fit a database
that its users' data is not in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.accepted import unless_accepted
from rollout.decide.releases import release_on
from rollout.model.finding import Finding, Go, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection

    from rollout.model.host import HostFacts, MachineFacts

EMPTIED = "database-empty"
"""The name by which a deploy says that the database is to be filled all the same."""


def what_needs_rows(machine: MachineFacts, facts: HostFacts) -> str:
    """Return what serves and has a database with migrations, as words; empty where nothing does.

    Args:
        machine: What was read of the machine; it may serve by files that are not ours.
        facts: What the application has there by ours.
    """
    current = release_on(facts, facts.current)
    if current is not None and current.migrations:
        made = len(current.migrations)
        return f"release {current.number}, which serves, was made with {made} migrations"
    if machine.serves:
        return "the host serves already, by files that no deploy of this project has put there"
    return ""


def judge_emptied(serves: str, database: str, held: int, accepted: Collection[str]) -> Verdict:
    """Return whether a deploy may go to a database.

    Args:
        serves: What `what_needs_rows` says.
        database: The database as people know it.
        held: How many migrations it holds.
        accepted: What the request takes upon itself; `EMPTIED` is what matters here.
    """
    if not serves or held:
        return Go()
    told = f"{serves}, and {database} holds none"
    advice = (
        "Let the block name the database that is in use, or restore its table of migrations. Where "
        f"it is meant, deploy with `accept` naming {EMPTIED}: all migrations are applied."
    )
    finding = Finding(EMPTIED, told, database, advice)
    return unless_accepted(finding, accepted, "Look what it holds then.")
