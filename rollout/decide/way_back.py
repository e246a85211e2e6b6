"""Decides whether the release before may be taken up again, by the schema that is there now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.model.finding import Finding
from rollout.model.judgement import Grade, Judgement

if TYPE_CHECKING:
    from rollout.model.release import Release

REASONS_TOLD = 3


@dataclass(frozen=True, slots=True)
class WayBack:
    """Whether a release is taken up again, and what people are told about it.

    Attributes:
        open: Whether it is.
        told: What is known about its code and the schema, as full sentences; empty when all is
            well.
    """

    open: bool
    told: str = ""


def same_schema(left: Release, former: Release) -> bool:
    """Return whether both releases were deployed with one and the same schema.

    Then nothing has to be read: what the left one found is what the former one was verified with.
    """
    return bool(left.contract) and left.contract == former.contract


def decide_way_back(former: Release, known: Judgement | Finding) -> WayBack:
    """Return whether the way back to a release is open.

    Only what is known to break closes it: code that fails on every request is no better than the
    one that was refused. What nobody knows, and what is a risk, is told and does not keep a release
    from coming back that served a moment ago.

    Args:
        former: The release before.
        known: How far its code can live with the live schema, or why nobody knows.
    """
    name = f"release {former.number}"
    if isinstance(known, Finding):
        told = f"Whether {name} can live with the schema is not known: {known.consequence}."
        return WayBack(open=True, told=told)
    if known.grade is Grade.BREAK:
        return WayBack(
            open=False,
            told=f"The code of {name} cannot live with the schema that is there now: "
            f"{_reasons(known, Grade.BREAK)}.",
        )
    if known.grade is Grade.RISK:
        told = f"The schema is a risk for the code of {name}: {_reasons(known, Grade.RISK)}."
        return WayBack(open=True, told=told)
    return WayBack(open=True)


def _reasons(judged: Judgement, grade: Grade) -> str:
    found = [one.finding for one in judged.reasons if one.grade is grade]
    told = "; ".join(f"{one.where}: {one.consequence}" for one in found[:REASONS_TOLD])
    more = len(found) - REASONS_TOLD
    return f"{told}; and {more} more" if more > 0 else told
