"""Decides whether a drafted corrective migration may be offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.compatible.judge import compatible
from rollout.model.finding import Finding, Go, Refuse
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from rollout.migrations.corrective import Draft
    from rollout.model.contract import Contract
    from rollout.model.finding import Verdict
    from rollout.model.trial import Witness


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


_BY_HAND = "Write the corrective migration by hand, or choose another release."
_SAY = "Restore it from a backup if the older code needs it."


def _left(rule: str, whose: str, code: Contract, after: Contract) -> tuple[Finding, ...]:
    return tuple(
        Finding(rule, f"{whose}: {found.finding.consequence}", found.finding.where, _BY_HAND)
        for found in compatible(code, after).reasons
        if found.grade == Grade.BREAK
    )
