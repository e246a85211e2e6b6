"""Decides whether the live schema became what the dry run had promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible.judge import compatible
from rollout.decide.differences import differences
from rollout.decide.dry_run import SHOWN, SIDES
from rollout.migrations.contract_json import parse_contract
from rollout.model.finding import Finding, Go, Refuse, Verdict
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import Contract
    from rollout.model.dry_run import Difference
    from rollout.model.migrated import Planned
    from rollout.policy import DryRunPolicy

LEFT = "All migrations are applied; the release that served before still serves."
"""What is true when a verdict about drift refuses."""
_HELP = (
    "Find out who changes the schema beside the migrations, and write the change as a migration "
    "or take it back; then retry."
)


def decide_drift(planned: Planned, live: Contract, policy: DryRunPolicy) -> Verdict:
    """Judge the live schema, with all migrations applied, by the scratch copy's after them.

    What differed before anything was applied is not told again.

    Args:
        planned: What the dry run led to; nothing is judged where there was none.
        live: The contract of the live schema as it is now.
        policy: What each finding leads to.
    """
    if not planned.contract:
        return Go()
    tried = parse_contract(planned.contract)
    found = [one for one in differences(live, tried, SIDES) if one not in planned.known]
    if not found:
        return Go()
    known = {one.where for one in planned.known}
    told = [*_breaks(tried, live, known), *_drifted(found)]
    shown = tuple(one for one in told if policy.consequence(one.rule) != "allow")
    refused = tuple(one for one in shown if policy.consequence(one.rule) == "refuse")
    return Refuse(refused) if refused else Go(shown)


def _breaks(tried: Contract, live: Contract, known: set[str]) -> Iterator[Finding]:
    """Yield what the code that expects the migrations' schema cannot live with."""
    for reason in compatible(tried, live).reasons:
        finding = reason.finding
        if reason.grade is Grade.BREAK and finding.where not in known:
            told = f"the new code: {finding.rule}: {finding.consequence}"
            yield Finding("drift-breaks", told, finding.where, f"{finding.help} {_HELP}")


def _drifted(found: list[Difference]) -> Iterator[Finding]:
    for one in found[:SHOWN]:
        yield Finding("schema-drift", one.told, one.where, _HELP)
    if len(found) > SHOWN:
        told = f"{len(found) - SHOWN} more differences"
        yield Finding("schema-drift", told, SIDES[0], _HELP)
