"""What a rule is, and what all rules look at.

A rule looks at two contracts and says what is worse in the newer one. It never remembers how the
newer one came about: only the two ends count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rollout.model.contract import Column, Contract, Domain, EnumType, Relation
from rollout.model.judgement import Grade


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule says of one place.

    Attributes:
        grade: How bad it is.
        place: What it is about below the relation: a column, a key; may be empty.
        consequence: What it leads to, as a lower-case fragment.
        relation: The relation in full; empty where there is none.
        needs: The privilege without which the role never meets it; empty for any.
    """

    grade: Grade
    place: str
    consequence: str
    relation: str = ""
    needs: str = ""

    @property
    def where(self) -> str:
        """Return the place in full."""
        return ".".join(part for part in (self.relation, self.place) if part)


@dataclass(frozen=True, slots=True)
class Pair:
    """A relation that both contracts have."""

    old: Relation
    new: Relation

    def columns(self) -> Iterator[tuple[Column, Column]]:
        """Yield the columns that both have."""
        new = {column.name: column for column in self.new.columns}
        for column in self.old.columns:
            if column.name in new:
                yield column, new[column.name]

    def unknown(self) -> Iterator[Column]:
        """Yield the columns that the code does not know, so that it never gives them."""
        known = {column.name for column in self.old.columns}
        for column in self.new.columns:
            if column.name not in known:
                yield column


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two contracts side by side.

    Attributes:
        old: What the code was verified with.
        new: What is there now.
        pairs: The relations that both have.
        relations: All relations of both sides, by name: the old ones, then the new ones.
        enums: The enums of both sides, by name.
        domains: The domains of both sides, by name.
    """

    old: Contract
    new: Contract
    pairs: tuple[Pair, ...]
    relations: tuple[dict[str, Relation], dict[str, Relation]]
    enums: tuple[dict[str, EnumType], dict[str, EnumType]]
    domains: tuple[dict[str, Domain], dict[str, Domain]]

    @staticmethod
    def of(old: Contract, new: Contract) -> Comparison:
        """Return two contracts side by side."""
        before, after = ({one.name: one for one in side.relations} for side in (old, new))
        return Comparison(
            old,
            new,
            tuple(Pair(one, after[name]) for name, one in before.items() if name in after),
            (before, after),
            ({one.name: one for one in old.enums}, {one.name: one for one in new.enums}),
            ({one.name: one for one in old.domains}, {one.name: one for one in new.domains}),
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        name: Its name, lower-case with hyphens; a heading of docs/contract.md.
        help: What to do about it, as a full sentence.
        look: Yields what it has to say; nothing for two equal contracts.
    """

    name: str
    help: str
    look: Callable[[Comparison], Iterator[Said]]
