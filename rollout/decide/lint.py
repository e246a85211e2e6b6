"""Decides whether what pending migrations do may be done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollout.decide.compatible.judge import RULES as COMPATIBLE
from rollout.decide.emptied import EMPTIED
from rollout.decide.hosts import BEHIND
from rollout.decide.may_go import OLDER, OUTSIDE_WINDOW
from rollout.decide.quarantine import QUARANTINED
from rollout.migrations.change import Judged
from rollout.migrations.judge import judge
from rollout.migrations.lint import findings_of
from rollout.migrations.prechecks import CODES as PRECHECKS
from rollout.migrations.rules import RULES
from rollout.migrations.sql import parse_sql
from rollout.model.finding import Finding, Go, Refuse, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from rollout.decide.migrate import MigrationPlan
    from rollout.migrations.journal import Migration
    from rollout.model.catalog import Catalog
    from rollout.policy import MigrationRules

CODES = frozenset(
    (
        *(rule.code for rule in RULES),
        *(rule.name for rule in COMPATIBLE),
        *PRECHECKS,
        "dry-run-fails",
    )
)
"""The rules that a request may accept: of docs/rules.md, and of docs/contract.md."""

ELSEWHERE = frozenset((QUARANTINED, OUTSIDE_WINDOW, OLDER, BEHIND, EMPTIED))
"""What a deploy or a promotion may accept as well, and others judge."""


@dataclass(frozen=True, slots=True)
class Lint:
    """What the pending migrations do.

    Attributes:
        statements: Each statement, in the order in which they run, with what the rules say of it;
            what the environment allows is left out.
        findings: Everything worth showing, also when the verdict is go.
        verdict: Whether applying may begin.
    """

    statements: tuple[tuple[Judged, tuple[Finding, ...]], ...]
    findings: tuple[Finding, ...]
    verdict: Verdict

    @property
    def others(self) -> tuple[Finding, ...]:
        """Return what is about no single statement: what is no SQL, and names of no rule."""
        said = {finding for _, findings in self.statements for finding in findings}
        return tuple(finding for finding in self.findings if finding not in said)


def decide_lint(
    pending: Iterable[Migration],
    catalog: Catalog,
    accepted: Collection[str],
    rules: MigrationRules,
) -> Lint:
    """Return what pending migrations do, and whether that may be done.

    What is no SQL, and a name to accept that no rule has, is always refused.

    Args:
        pending: The migrations, in the order in which they run.
        catalog: The database's tables with their sizes, as they are before the first of them.
        accepted: Rules whose findings the request takes upon itself; empty for none.
        rules: What the environment makes of each rule's findings.
    """
    read = [parse_sql(migration) for migration in pending]
    judged = judge((one for parsed, _ in read for one in parsed), catalog)
    statements = tuple(
        (one, tuple(weighed(found, accepted, rules))) for one, found in findings_of(judged)
    )
    shown = tuple(finding for _, said in statements for finding in said)
    refused = (
        *_misspelt(accepted),
        *(problem for _, problems in read for problem in problems),
        *(finding for finding in shown if is_refused(finding.rule, accepted, rules)),
    )
    findings = tuple(dict.fromkeys((*refused, *shown)))
    return Lint(statements, findings, Refuse(refused) if refused else Go(findings))


def with_lint(plan: MigrationPlan, lint: Lint) -> MigrationPlan:
    """Return a plan that also says, and is refused by, what its statements do."""
    return with_verdict(plan, lint.findings, lint.verdict)


def with_verdict(
    plan: MigrationPlan, findings: tuple[Finding, ...], verdict: Verdict
) -> MigrationPlan:
    """Return a plan that also says these findings, and is refused where the verdict refuses."""
    told = (*plan.findings, *findings)
    refused = tuple(
        finding
        for one in (plan.verdict, verdict)
        if isinstance(one, Refuse)
        for finding in one.findings
    )
    return replace(plan, findings=told, verdict=Refuse(refused) if refused else Go(told))


def may_be_accepted(verdict: Verdict) -> bool:
    """Return whether nothing refuses but what a request may take upon itself."""
    return isinstance(verdict, Go) or all(one.rule in CODES for one in verdict.findings)


def with_all_names(plan: MigrationPlan, accepted: Collection[str]) -> MigrationPlan:
    """Return a plan whose refusal ends with all that a request has to accept, at once.

    Args:
        plan: The plan, with everything that was found.
        accepted: What the request accepts already.
    """
    verdict = plan.verdict
    if isinstance(verdict, Go) or not may_be_accepted(verdict):
        return plan
    names = sorted({one.rule for one in verdict.findings})
    if len(names) == 1:
        return plan
    *others, last = verdict.findings
    words = f"{last.help} For all of it at once: {', '.join((*sorted(accepted), *names))}."
    return replace(plan, verdict=Refuse((*others, replace(last, help=words))))


def insisted(finding: Finding) -> Finding:
    """Return a finding that refuses, with how to insist."""
    words = f"{finding.help} To do it all the same, deploy with `accept` naming {finding.rule}."
    return replace(finding, help=words) if finding.rule in CODES else finding


def is_refused(rule: str, accepted: Collection[str], rules: MigrationRules) -> bool:
    """Return whether a rule's findings keep anything from being applied."""
    return rules.consequence(rule) == "refuse" and rule not in accepted


def weighed(
    found: Iterable[Finding], accepted: Collection[str], rules: MigrationRules
) -> Iterator[Finding]:
    """Yield what is to be shown: what was accepted says so, and what is refused how to insist."""
    for finding in found:
        if is_refused(finding.rule, accepted, rules):
            yield insisted(finding)
        elif finding.rule in accepted:
            yield replace(finding, consequence=f"accepted: {finding.consequence}")
        elif rules.consequence(finding.rule) == "warn":
            yield finding


def _misspelt(accepted: Collection[str]) -> Iterator[Finding]:
    known = ", ".join(sorted(CODES | ELSEWHERE))
    for name in sorted(set(accepted) - CODES - ELSEWHERE):
        yield Finding(
            "unknown-rule",
            "the request accepts it, and no rule has that name",
            name,
            f"Name rules of docs/rules.md, or of docs/contract.md: {known}.",
        )
