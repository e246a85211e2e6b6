"""Findings, and the verdicts that carry them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        rule: The rule's name, lower-case with hyphens.
        consequence: What it leads to, as a lower-case fragment.
        where: The place: a file, a container, an object of the database.
        help: What to do about it, as a full sentence.
    """

    rule: str
    consequence: str
    where: str
    help: str


@dataclass(frozen=True, slots=True)
class Go:
    """Nothing stands in the way; `findings` are warnings to show."""

    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Something stands in the way; `findings` is never empty."""

    findings: tuple[Finding, ...]


Verdict = Go | Refuse
