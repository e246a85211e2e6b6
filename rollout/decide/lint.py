"""Decides whether what pending migrations do may be done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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

    from rollout.config import MigrationRules
    from rollout.decide.migrate import MigrationPlan
    from rollout.migrations.journal import Migration
    from rollout.model.catalog import Catalog

CODES = frozenset((*(rule.code for rule in RULES), *PRECHECKS))
"""The names of rules that a request may accept; a deploy may also accept `QUARANTINED`."""


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
    findings = (*plan.findings, *lint.findings)
    refused = tuple(
        finding
        for verdict in (plan.verdict, lint.verdict)
        if isinstance(verdict, Refuse)
        for finding in verdict.findings
    )
    return replace(plan, findings=findings, verdict=Refuse(refused) if refused else Go(findings))


def is_refused(rule: str, accepted: Collection[str], rules: MigrationRules) -> bool:
    """Return whether a rule's findings keep anything from being applied."""
    return rules.consequence(rule) == "refuse" and rule not in accepted


def weighed(
    found: Iterable[Finding], accepted: Collection[str], rules: MigrationRules
) -> Iterator[Finding]:
    """Yield what is to be shown: what was accepted says so, and what is refused how to insist."""
    for finding in found:
        if is_refused(finding.rule, accepted, rules):
            words = f"{finding.help} To do it all the same, deploy with `accept` naming "
            yield replace(finding, help=f"{words}{finding.rule}.")
        elif finding.rule in accepted:
            yield replace(finding, consequence=f"accepted: {finding.consequence}")
        elif rules.consequence(finding.rule) == "warn":
            yield finding


def _misspelt(accepted: Collection[str]) -> Iterator[Finding]:
    for name in sorted(set(accepted) - CODES - {QUARANTINED}):
        yield Finding(
            "unknown-rule",
            "the request accepts it, and no rule has that name",
            name,
            f"Name rules of docs/rules.md: {', '.join(sorted(CODES))}.",
        )
