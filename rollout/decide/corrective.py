"""Decides whether a drafted corrective migration may be offered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.decide.compatible.judge import compatible
from rollout.migrations.corrective import Draft
from rollout.model.activation import APPLY
from rollout.model.finding import Finding, Go, Refuse, Verdict
from rollout.model.judgement import Grade
from rollout.model.proposal import NewFiles, Proposal
from rollout.model.release import Version
from rollout.model.trial import Witness
from rollout.render.corrective import (
    render_corrective_body,
    render_corrective_message,
    render_corrective_title,
)

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.decide.migrate import MigrationPlan
    from rollout.migrations.journal import Migration
    from rollout.model.contract import Contract
    from rollout.model.overview import ReleaseLine
    from rollout.model.trial import Outcome
    from rollout.render.revert import Story

RUN_DIGITS = 8
"""How much of a run's id a branch's name has; a retried run has the same."""
_SYNTAX_OR_ACCESS = "42"
_MAY_NOT = "42501"


@dataclass(frozen=True, slots=True)
class Corrective:
    """A corrective migration, and whether it may be offered.

    Attributes:
        draft: What restores which break, and what stays lost.
        files: Path below the migrations folder to text; empty when nothing is drafted.
        verdict: Go when it may be offered.
    """

    draft: Draft
    files: Mapping[str, str]
    verdict: Verdict


def sure_witnesses(outcomes: Iterable[Outcome]) -> tuple[Witness, ...]:
    """Return the refusals that no made-up value can have caused.

    The schema of the older code's time is not at hand, so nobody knows what that one would have
    said. A name that is not there, or a key that cannot be named, is refused whatever the values
    are. Rights are left to the contracts: a policy refuses single rows with the same words.

    Args:
        outcomes: What the scratch copy said to the older code's trials.
    """
    return tuple(
        Witness(one.trial, one.statement, "is refused", one.sqlstate)
        for one in outcomes
        if one.sqlstate.startswith(_SYNTAX_OR_ACCESS) and one.sqlstate != _MAY_NOT
    )


def refuse_missing(draft: Draft) -> Verdict:
    """Refuse when a break has no draft, and say why it has none."""
    found = tuple(
        Finding("corrective-no-draft", f"{one.rule}: {one.answer.lost}", one.where, _BY_HAND)
        for one in draft.missing
    )
    return Refuse(found) if found else Go()


def refuse_unplanned(plan: MigrationPlan, migration: Migration) -> Verdict:
    """Refuse when the folder's plan is, or when the draft would not be the only one to be applied.

    Args:
        plan: What the folder together with the draft has pending.
        migration: The draft.
    """
    if isinstance(plan.verdict, Refuse):
        return plan.verdict
    others = [one.file for one in plan.pending if one.tag != migration.tag]
    if not others:
        return Go()
    told = "the draft is for the live schema, and the folder has migrations that are not applied"
    help_ = "Take the folder as it was when the last migration was applied, or apply the others."
    return Refuse(tuple(Finding("corrective-not-alone", told, file, help_) for file in others))


def refuse_failed(words: str, migration: Migration) -> Verdict:
    """Refuse because the draft fails on a scratch copy.

    Args:
        words: What the server says.
        migration: The draft.
    """
    told = f"it fails on a scratch copy of the live schema: {words}"
    return Refuse((Finding("corrective-fails", told, migration.file, _BY_HAND),))


def decide_corrective(
    draft: Draft, old: Contract, live: Contract, after: Contract, witnesses: tuple[Witness, ...]
) -> Verdict:
    """Decide from a scratch copy on which the draft ran.

    Args:
        draft: The draft.
        old: What the older code was verified with.
        live: What the code that serves now was verified with.
        after: What the scratch copy holds once the draft ran.
        witnesses: What the older code's statements met there; those of which only the type that is
            read differs count as well.

    Returns:
        Go when the older code can live with it and the newer one still can. What does not come
        back stands in its findings. Refuse names each break that is left, on either side.
    """
    findings = (
        *(_left("corrective-incomplete", "the older code", old, after)),
        *(_left("corrective-breaks", "the code that serves now", live, after)),
        *(
            Finding("corrective-refuted", f"{one.statement} {one.says}", one.trial, _BY_HAND)
            for one in witnesses
        ),
    )
    if findings:
        return Refuse(findings)
    lost = (one for one in draft.restored if one.answer.lost)
    return Go(tuple(Finding("corrective-lost", one.answer.lost, one.where, _SAY) for one in lost))


def propose_corrective(
    release: ReleaseLine, made: Corrective, story: Story, settings: Environment
) -> Proposal:
    """Return the commit and the pull request that bring a corrective migration to the branch.

    Args:
        release: Whose code is to serve again.
        made: The migration; it may be offered.
        story: Who asks for it and why.
        settings: The environment.
    """
    number, version = release.number, Version(release.version)
    folder = settings.migrations.folder
    return Proposal(
        branch=f"corrective/{version.short}-{story.run_id[:RUN_DIGITS]}",
        change=NewFiles({f"{folder}/{path}": text for path, text in made.files.items()}),
        message=render_corrective_message(number, version, story),
        title=render_corrective_title(number, version),
        body=render_corrective_body(number, version, made.draft, made.verdict.findings, story),
    )


def refuse_unneeded(number: int, environment: str) -> Refuse:
    """Refuse because the schema that is there breaks nothing of a release's code."""
    told = f"the schema that is there breaks nothing of what the code of release {number} needs"
    help_ = (
        f"Go back to it as it is: bin/rollback {number} --strategy image --reason WHY "
        f"--environment {environment}."
    )
    return Refuse((Finding("corrective-unneeded", told, "the live schema", help_),))


def not_drafted(environment: str) -> Refuse:
    """Refuse because the application's own command applies the migrations."""
    place = f"deployments/{environment}.toml"
    told = (
        f'{place} says by = "command" under [migrations], and drafts are in Drizzle\'s layouts only'
    )
    help_ = "Write the migration by hand and deploy it, then go back."
    return Refuse((Finding("own-command", told, place, help_),))


def without_scratch(environment: str) -> Refuse:
    """Refuse because a draft that nobody can try is not offered."""
    place = f"deployments/{environment}.toml"
    told = f"{place} names no scratch_database under [blocks], so no draft can be tried"
    help_ = (
        "Name a database on a server where scratch databases may be made, never production's; or "
        "write the migration by hand and deploy it."
    )
    return Refuse((Finding("no-scratch", told, place, help_),))


def nowhere_to_propose(environment: str) -> Refuse:
    """Refuse because the environment names no repository on GitHub."""
    place = f"deployments/{environment}.toml"
    told = f"{place} has no [github], so nothing can be proposed"
    help_ = (
        "Say there which repository it is; or write the files with bin/schema corrective RELEASE "
        f"--environment {environment}; or have it applied at once: accept {APPLY}."
    )
    return Refuse((Finding("no-github", told, place, help_),))


_BY_HAND = "Write the corrective migration by hand, or choose another release."
_SAY = "Restore it from a backup if the older code needs it."


def _left(rule: str, whose: str, code: Contract, after: Contract) -> tuple[Finding, ...]:
    return tuple(
        Finding(rule, f"{whose}: {found.finding.consequence}", found.finding.where, _BY_HAND)
        for found in compatible(code, after).reasons
        if found.grade == Grade.BREAK
    )
