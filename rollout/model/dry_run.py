"""The dry run of pending migrations: what they did to a scratch copy of the live schema."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.contract import Contract
from rollout.model.finding import Finding
from rollout.model.statement import Effect
from rollout.model.trial import Evidence


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two contracts do not have in common.

    Attributes:
        where: The object in full: a relation, a column of it, an enum; `the schema` for what
            belongs to none.
        told: What of it differs and on which side, as a lower-case fragment.
    """

    where: str
    told: str


@dataclass(frozen=True, slots=True)
class Traced:
    """What was seen of one part of a migration's file while it ran on the copy.

    Attributes:
        file: The file's path below the migrations folder.
        number: Which part of it, counted from 1.
        seconds: How long it took; the copy has no rows.
        taken: The strongest lock on each table that was there before, as far as the part took it
            or made it stronger.
        held: The strongest lock on each of them that is held now, the earlier parts' included;
            None where nobody could see, because the part ran outside of any transaction.
    """

    file: str
    number: int
    seconds: float
    taken: tuple[Effect, ...] = ()
    held: tuple[Effect, ...] | None = ()


@dataclass(frozen=True, slots=True)
class DryRun:
    """What came of it.

    Attributes:
        live: The contract of the live schema.
        copy: That of its copy, before anything was applied.
        after: That of the copy with all migrations applied; None when one failed.
        traced: What was seen of each part that ran, in order.
        failure: Why one failed; None when none did.
        servers: Major versions of the live server and of the scratch server.
        evidence: What statements of the serving code met before and after; None where nothing is
            at risk, or nothing could be tried.
    """

    live: Contract
    copy: Contract
    after: Contract | None
    traced: tuple[Traced, ...] = ()
    failure: Finding | None = None
    servers: tuple[int, int] = (0, 0)
    evidence: Evidence | None = None
