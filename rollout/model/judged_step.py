"""What walking a migrations folder shows: one step, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.model.judgement import Grade, Judgement
from rollout.model.statement import Compatibility
from rollout.model.trial import Evidence, Witness


@dataclass(frozen=True, slots=True)
class Skipped:
    """A statement that the scratch server did not take, so that the walk went on without it.

    Attributes:
        where: Its place, with the file.
        why: What the server says, or what is missing, as a lower-case fragment.
    """

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Walked:
    """What a migration was seen to do on a scratch database.

    Attributes:
        skipped: What the server did not take.
        judgement: How far code of the step before can live with the schema after it.
        evidence: What that code's statements met; nothing is tried where both contracts are the
            same.
        seconds: How long all of it took.
    """

    skipped: tuple[Skipped, ...]
    judgement: Judgement
    evidence: Evidence
    seconds: float


@dataclass(frozen=True, slots=True)
class JudgedStep:
    """One migration: what its text says, what its schema says, and what was tried.

    Attributes:
        tag: The migration's name.
        statements: How many statements it has, without those that do not parse.
        unparsed: The parts that do not parse, by their place.
        outlook: The worst that any statement's text says of the code that serves; None for a
            file without statements.
        rules: The rules of `docs/rules.md` that have something to say, each once.
        walked: What it was seen to do.
        weighed: The grade once the evidence is counted in, as a plan and a rollback see it.
    """

    tag: str
    statements: int
    unparsed: tuple[str, ...]
    outlook: Compatibility | None
    rules: tuple[str, ...]
    walked: Walked
    weighed: Grade

    @property
    def grade(self) -> Grade:
        """Return how far code of the step before can live with the schema after it."""
        return self.walked.judgement.grade

    @property
    def witness(self) -> Witness | None:
        """Return the statement that shows the most; None when nothing was met otherwise."""
        return self.walked.evidence.witness

    @property
    def is_missed(self) -> bool:
        """Return whether something was refused, or had other rows, that was called OK or LOW."""
        witness = self.witness
        return self.grade <= Grade.LOW and witness is not None and not witness.decodes_only

    @property
    def cannot_be_shown(self) -> bool:
        """Return whether it was called BREAK for tables only to which nothing could be written."""
        breaks = [one for one in self.walked.judgement.reasons if one.grade == Grade.BREAK]
        places = [f"{one.finding.where}." for one in breaks]
        closed = tuple(f"{name}." for name in self.walked.evidence.closed)
        return bool(breaks) and all(place.startswith(closed) for place in places)

    @property
    def is_compatible(self) -> bool:
        """Return whether nothing was met otherwise, and something could have been."""
        return self.witness is None and not self.cannot_be_shown

    @property
    def is_refused_in_vain(self) -> bool:
        """Return whether it was called BREAK, and nothing shows it."""
        return self.grade == Grade.BREAK and self.is_compatible


@dataclass(frozen=True, slots=True)
class Walk:
    """All steps of a folder, and whether the aims hold.

    Attributes:
        steps: In order.
    """

    steps: tuple[JudgedStep, ...]

    @property
    def missed(self) -> tuple[JudgedStep, ...]:
        """Return the breaking steps that were called OK or LOW; the aim is none."""
        return tuple(step for step in self.steps if step.is_missed)

    @property
    def refused_in_vain(self) -> tuple[JudgedStep, ...]:
        """Return the steps that were called BREAK and that nothing shows to be one."""
        return tuple(step for step in self.steps if step.is_refused_in_vain)

    @property
    def unparsed(self) -> tuple[str, ...]:
        """Return the places that do not parse; the aim is none."""
        return tuple(place for step in self.steps for place in step.unparsed)

    @property
    def in_vain_share(self) -> float:
        """Return which share of the compatible steps was refused, from 0 to 1."""
        compatible = sum(step.is_compatible for step in self.steps)
        return len(self.refused_in_vain) / compatible if compatible else 0.0

    @property
    def aims_hold(self) -> bool:
        """Return whether nothing was missed or left unparsed, and few steps refused in vain."""
        return not self.missed and not self.unparsed and self.in_vain_share < IN_VAIN_AIM


IN_VAIN_AIM = 0.05
"""Below which share of the compatible steps the refused ones must stay."""
