"""Decides from schema contracts whether an earlier release may serve again.

What its code needs is the contract that it was deployed with; what is there was read a moment ago.
What breaks it is never accepted: it would fail for users, and another way is named. What only may
break it, or cannot be known, a person takes upon themself by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rollout.decide.compatible.judge import RULES
from rollout.decide.evidence import weighed
from rollout.model.candidate import Candidate
from rollout.model.finding import Finding, Go, Refuse, Verdict
from rollout.model.judgement import Grade, Judgement
from rollout.model.trial import Evidence

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from rollout.config import Environment


UNKNOWN = frozenset({"no-contract", "contract-altered", "contract-unreadable", "folder-gone"})
"""Why a release cannot be judged by its contract; see `rollout.decide.candidates`."""
ACCEPTABLE = frozenset(rule.name for rule in RULES) | UNKNOWN
"""The names that a rollback may accept: what the rules of `docs/contract.md` call a risk."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of the release that is to serve again.

    Attributes:
        chosen: The release, judged by its contract.
        candidates: All releases of the ledger, judged alike, newest first.
        evidence: What statements of its code met on a scratch copy of the live schema; None where
            nobody tried.
        is_derived: Whether its contract was derived from its migrations, and not read when it was
            deployed.
        is_drafted: Whether a corrective migration is drafted for its stack: not where the
            application's own command applies the migrations, or no scratch database is named.
        environment: Whose releases they are, for the commands that are told.
    """

    chosen: Candidate
    candidates: Sequence[Candidate]
    evidence: Evidence | None = None
    is_derived: bool = False
    is_drafted: bool = True
    environment: str = field(kw_only=True)


def is_drafted(settings: Environment) -> bool:
    """Return whether a corrective migration is drafted for an environment at all.

    Drafts are in Drizzle's layouts, and tried on a scratch database before anybody is shown one.
    """
    return settings.migrations.by == "drizzle" and settings.blocks.scratch_database is not None


def judge_earlier(earlier: Earlier, accepted: Collection[str]) -> Verdict:
    """Decide whether a release may serve again with the schema that is there.

    Args:
        earlier: What is known of it.
        accepted: Names of `ACCEPTABLE` that the request takes upon itself; empty for none.

    Returns:
        Go with what is worth knowing. Refuse names all that has to be accepted at once; or, where
        the schema breaks the code, which releases would do instead, and the corrective migration.
    """
    misspelt = tuple(_misspelt(accepted))
    if misspelt:
        return Refuse(misspelt)
    judged = earlier.chosen.judgement
    if isinstance(judged, Finding):
        return _unknown(judged, accepted)
    broken = tuple(_of(judged, Grade.BREAK))
    if broken:
        other = _other_ways(earlier)
        return Refuse(tuple(replace(one, help=f"{one.help} {other}") for one in broken))
    risks = tuple(_of(judged, Grade.RISK, earlier.evidence))
    open_risks = tuple(one for one in risks if one.rule not in accepted)
    if open_risks:
        return Refuse(tuple(_insisting(open_risks)))
    told = (replace(one, consequence=f"accepted: {one.consequence}") for one in risks)
    return Go((*told, *_of(judged, Grade.LOW)))


def judge_corrected(earlier: Earlier, accepted: Collection[str]) -> Verdict:
    """Decide the same of a release for which a corrective migration answers each `BREAK`.

    What only may break its code stays, and is best named before anything is applied.

    Args:
        earlier: What is known of it, by the schema that is there.
        accepted: As `judge_earlier`.
    """
    judged = earlier.chosen.judgement
    if isinstance(judged, Finding):
        return judge_earlier(earlier, accepted)
    rest = Judgement(tuple(one for one in judged.reasons if one.grade != Grade.BREAK))
    return judge_earlier(replace(earlier, chosen=replace(earlier.chosen, judgement=rest)), accepted)


def wants_evidence(earlier: Earlier, accepted: Collection[str]) -> bool:
    """Return whether trying a release's statements would tell a person more of a refusal.

    Args:
        earlier: What is known of it.
        accepted: As for `judge_earlier`.
    """
    judged = earlier.chosen.judgement
    is_risk = isinstance(judged, Judgement) and judged.grade == Grade.RISK
    known = not tuple(_misspelt(accepted))
    return is_risk and known and isinstance(judge_earlier(earlier, accepted), Refuse)


def _of(judged: Judgement, grade: Grade, evidence: Evidence | None = None) -> Iterator[Finding]:
    # A risk with a witness is told as one, and stays acceptable: a person has seen the statement.
    return (weighed(one, evidence).finding for one in judged.reasons if one.grade == grade)


def _unknown(why: Finding, accepted: Collection[str]) -> Verdict:
    if why.rule in accepted:
        return Go((replace(why, consequence=f"accepted: {why.consequence}"),))
    told = f"so nobody knows whether its code can live with the schema: {why.consequence}"
    return Refuse((replace(why, consequence=told, help=f"{why.help} {_insist([why.rule])}"),))


def _insisting(risks: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the risks, the last one with all names that it takes to go on."""
    *others, last = risks
    yield from others
    names = sorted({one.rule for one in risks})
    yield replace(last, help=f"{last.help} {_insist(names)}")


def _insist(names: Iterable[str]) -> str:
    return f"To go back all the same, roll back with `accept` naming {', '.join(names)}."


def _other_ways(earlier: Earlier) -> str:
    fit = [one.release for one in earlier.candidates if one.may_be_gone_back_to]
    told = ", ".join(f"{one.number} ({one.version[:12]})" for one in fit[:_SHOWN])
    number = earlier.chosen.release.number
    first = f"Compatible with the schema: {told or 'no other release'}. Or bring back what release "
    where = earlier.environment
    if not earlier.is_drafted:
        return f"{first}{number} needs: write the migration, and deploy it before going back."
    return (
        f"{first}{number} needs: the strategy `corrective` proposes the migration (bin/rollback "
        f"{number} --strategy corrective --reason WHY --environment {where}), and bin/schema "
        f"corrective {number} --environment {where} only drafts it."
    )


def _misspelt(accepted: Collection[str]) -> Iterator[Finding]:
    for name in sorted(set(accepted) - ACCEPTABLE):
        yield Finding(
            "unknown-rule",
            "the request accepts it, and no rule has that name",
            name,
            "Name rules as the refusal names them; docs/contract.md has all of them.",
        )
