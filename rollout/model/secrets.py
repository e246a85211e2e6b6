"""Secrets as they were read, and why others could not be."""

from __future__ import annotations

from dataclasses import dataclass, field

from rollout.model.command import Secret


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A secret as it was read.

    Attributes:
        name: Its name in Secret Manager.
        version: The number of the version that was read, never `latest`.
        value: What it says.
    """

    name: str
    version: str
    value: Secret


@dataclass(frozen=True, slots=True)
class Unusable:
    """A secret that cannot be used.

    Attributes:
        name: Its name in Secret Manager.
        why: What is the matter with it, as the rest of a sentence that begins with its name.
        code: The same in one word: `missing`, `disabled`, `destroyed`, `forbidden`, `empty` or
            `unreadable`; empty where nobody looked closer.
        withdrawn: Whether somebody took the version away: it is disabled, destroyed or not there.
            Else it may be there, and cannot be read by us or makes no variable.
    """

    name: str
    why: str
    code: str = field(default="", compare=False)
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of looking at secrets, by name.

    Attributes:
        values: Those that can be used.
        unusable: Those that cannot, and why.
    """

    values: dict[str, SecretValue]
    unusable: dict[str, Unusable]
