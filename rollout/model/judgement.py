"""Judgements: how far a release's code can live with the schema that is there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from rollout.model.finding import Finding


class Grade(IntEnum):
    """From harmless to fatal, so that the worst is the greatest."""

    OK = 0
    """Nothing that the code sends or reads is different."""
    LOW = 1
    """Different, but nothing that it sends is refused; worth reading."""
    RISK = 2
    """Something may be refused or read otherwise: the statements must be tried."""
    BREAK = 3
    """Something that it sends on an ordinary day is refused."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One difference, and how much it matters."""

    grade: Grade
    finding: Finding


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows from all differences together.

    Attributes:
        reasons: The differences that a rule spoke about, the worst first; empty when there are
            none that matter.
    """

    reasons: tuple[Reason, ...] = ()

    @property
    def grade(self) -> Grade:
        """Return the worst reason's grade; `OK` without any."""
        return max((reason.grade for reason in self.reasons), default=Grade.OK)

    @property
    def may_serve(self) -> bool:
        """Return whether the code can live with the schema as it is, without a further look."""
        return self.grade <= Grade.LOW

    def describe(self) -> str:
        """Return a line for the grade and one for each reason."""
        lines = (
            f"{reason.grade.name} {reason.finding.rule}: {reason.finding.where}: "
            f"{reason.finding.consequence}"
            for reason in self.reasons
        )
        return "\n".join((self.grade.name, *lines))
