"""Decides by a dry run whether pending migrations may be applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollout.decide.compatible.judge import compatible
from rollout.decide.differences import differences
from rollout.decide.evidence import weighed
from rollout.decide.judge_steps import decide_tried
from rollout.decide.lint import insisted
from rollout.migrations.contract_json import render_contract
from rollout.migrations.trials import trials
from rollout.model.dry_run import DryRun
from rollout.model.finding import Finding, Go, Refuse, Verdict
from rollout.model.judgement import Grade
from rollout.model.migrated import Planned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from rollout.decide.migrate import MigrationPlan
    from rollout.model.contract import Contract
    from rollout.model.judgement import Reason
    from rollout.model.trial import Trial
    from rollout.policy import DryRunPolicy

SIDES = ("the live database", "the scratch copy")
SHOWN = 20
"""How many differences are told one by one."""
INSTEAD = (
    "Expand and contract: deploy a schema that the serving code and the new code can both use, "
    "then the code, and take away what nobody uses any more in a later deploy."
)
_BREAKS = "the code that serves now: "


@dataclass(frozen=True, slots=True)
class Tried:
    """What a dry run says of pending migrations.

    Attributes:
        findings: Everything worth showing, also when the verdict is go.
        verdict: Whether applying may begin.
    """

    findings: tuple[Finding, ...]
    verdict: Verdict


def decide_dry_run(
    run: DryRun | Finding | None,
    serving: Contract | Finding | None,
    accepted: Collection[str],
    policy: DryRunPolicy,
) -> Tried:
    """Return what a dry run says, and whether the migrations may be applied.

    Args:
        run: What came of it; or why there was none, as a finding `no-dry-run`; None where none was
            called for.
        serving: The contract of the release that serves, or why it is not known; None where nobody
            asked, because there was no dry run.
        accepted: Rules whose findings the request takes upon itself; empty for none.
        policy: What each finding leads to.
    """
    if run is None:
        return Tried((), Go())
    if isinstance(run, Finding):
        return _weighed([(run.rule, run)], accepted, policy)
    return _weighed([*_about_the_copy(run), *_about_the_code(run, serving)], accepted, policy)


def decide_trials(
    serving: Contract | Finding, copy: Contract, after: Contract
) -> tuple[Trial, ...]:
    """Return what is to be tried before and after pending migrations; empty without a risk.

    Args:
        serving: The contract of the release that serves, or why it is not known: then the copy
            stands in for it.
        copy: What the migrations began with.
        after: What they led to.
    """
    code = copy if isinstance(serving, Finding) else serving
    if not any(reason.grade == Grade.RISK for reason in _added(code, copy, after)):
        return ()
    return trials(code, decide_tried(copy, after))


def planned_by(plan: MigrationPlan, run: DryRun | Finding | None) -> Planned:
    """Return what migrate-prod is to apply, and where it led to in the dry run."""
    tags = tuple(migration.tag for migration in plan.pending)
    if not isinstance(run, DryRun) or run.after is None:
        return Planned(tags)
    known = differences(run.live, run.copy, SIDES)
    return Planned(tags, render_contract(run.after), known)


def _weighed(
    found: list[tuple[str, Finding]], accepted: Collection[str], policy: DryRunPolicy
) -> Tried:
    """Weigh findings, each with the setting that says what it leads to."""
    told: list[Finding] = []
    refused: list[Finding] = []
    for setting, finding in found:
        consequence = policy.consequence(setting)
        if consequence == "allow":
            continue
        if finding.rule in accepted:
            told.append(replace(finding, consequence=f"accepted: {finding.consequence}"))
        elif consequence == "refuse":
            refused.append(insisted(finding))
        else:
            told.append(finding)
    findings = (*refused, *told)
    return Tried(findings, Refuse(tuple(refused)) if refused else Go(findings))


def _about_the_copy(run: DryRun) -> Iterator[tuple[str, Finding]]:
    if run.failure is not None:
        yield run.failure.rule, run.failure
    if run.servers[0] != run.servers[1]:
        told = f"PostgreSQL {run.servers[1]} tries what PostgreSQL {run.servers[0]} will run"
        yield _differs("the scratch server", told)
    found = differences(run.live, run.copy, SIDES)
    for one in found[:SHOWN]:
        yield _differs(one.where, one.told)
    if len(found) > SHOWN:
        yield _differs("the scratch copy", f"{len(found) - SHOWN} more differences")


def _differs(where: str, told: str) -> tuple[str, Finding]:
    rule = "scratch-differs"
    help_ = "Give the scratch server what it lacks; what was tried there is not quite the same."
    return rule, Finding(rule, told, where, help_)


def _about_the_code(
    run: DryRun, serving: Contract | Finding | None
) -> Iterator[tuple[str, Finding]]:
    """Yield what the migrations add to what the serving code has to live with already."""
    if isinstance(serving, Finding) and not run.copy.relations:
        # Before the first migration of all nobody's code can need anything.
        return
    if isinstance(serving, Finding):
        told = f"{serving.consequence}; the live schema stands in for what its code needs"
        rule = "no-serving-contract"
        yield rule, Finding(rule, told, serving.where, serving.help)
        serving = run.copy
    if run.after is None or serving is None:
        return
    for found in _added(serving, run.copy, run.after):
        reason = weighed(found, run.evidence)
        if reason.grade >= Grade.RISK:
            yield _SETTINGS[reason.grade], _of(reason)


def _added(serving: Contract, before: Contract, after: Contract) -> Iterator[Reason]:
    """Yield what the code does not live with already."""
    known = set(compatible(serving, before).reasons)
    return (one for one in compatible(serving, after).reasons if one not in known)


_SETTINGS = {Grade.RISK: "contract-risk", Grade.BREAK: "contract-break"}


def _of(reason: Reason) -> Finding:
    """Return a reason as what it means for a deploy that has not begun."""
    finding = reason.finding
    help_ = f"{finding.help} {INSTEAD}" if reason.grade is Grade.BREAK else finding.help
    return replace(finding, consequence=f"{_BREAKS}{finding.consequence}", help=help_)
