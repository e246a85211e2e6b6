"""Findings, and the verdicts that carry them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Weight = Literal["refuse", "warn", "unknown"]
"""What a check that is not well leads to; `unknown`: what it needs could not be looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        rule: The rule's name, lower-case with hyphens.
        consequence: What it leads to, as a lower-case fragment.
        where: The place: a file, a container, an object of the database.
        help: What to do about it, as a full sentence.
        behind: Name of the error's class that it comes from; empty where it comes from none.
    """

    rule: str
    consequence: str
    where: str
    help: str
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, as a row of a table.

    Attributes:
        name: What was looked at.
        expected: What should have been seen.
        seen: What was seen.
        ok: Whether that is good enough.
        weight: What it leads to when it is not.
    """

    name: str
    expected: str
    seen: str
    ok: bool
    weight: Weight = "refuse"


@dataclass(frozen=True, slots=True)
class Go:
    """Nothing stands in the way; `findings` are warnings, `checks` what was looked at."""

    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuse:
    """Something stands in the way; `findings` is never empty, `checks` is what was looked at."""

    findings: tuple[Finding, ...]
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """Nothing seen stands in the way, but not all that decides could be looked at.

    Attributes:
        findings: What could not be looked at first, never empty, and then the warnings.
        checks: What was looked at, and what could not be.
    """

    findings: tuple[Finding, ...]
    checks: tuple[Check, ...] = ()


Verdict = Go | Refuse
"""What is decided from facts that are all there."""

Assessment = Go | Refuse | Inconclusive
"""What is decided from evidence, part of which may be missing. Whoever branches on one must say
what an `Inconclusive` means there; a type of its own keeps it from passing for a `Go`."""
