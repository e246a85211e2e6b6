"""Types of columns: whether each value that the code sends is taken, and reads back the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rollout.decide.compatible.rule import Comparison, Rule, Said
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import Domain

Fit = Literal["same", "wider", "rounds", "narrower", "other"]

_TYPE = re.compile(
    r"(?P<name>[^(]+?)(?:\((?P<size>\d+)(?:,(?P<scale>-?\d+))?\))?"
    r"(?P<zone> with(?:out)? time zone)?\Z"
)
_INTEGERS = ("smallint", "integer", "bigint")
_FLOATS = ("real", "double precision")
_TEXTS = ("text", "character varying", "character", "bpchar")
_JSON = ("json", "jsonb")
_TIMES = ("timestamp", "time")
_DEFAULT_PRECISION = 6
_ENDLESS = 2**31


@dataclass(frozen=True, slots=True)
class _Parsed:
    name: str
    size: int | None
    scale: int


def fit(old: str, new: str, both: Comparison) -> Fit:
    """Return how one type takes and gives back what another one did.

    Args:
        old: The type that the code knows.
        new: The type that is there.
        both: Whose domains and enums the names mean.

    Returns:
        `same`; `wider` when it takes more; `rounds`; `narrower` when it may refuse; `other` when
        what is read is another kind of value.
    """
    if old.endswith("[]") and new.endswith("[]"):
        return fit(old[:-2], new[:-2], both)
    kinds = [(name in both.enums[i], name in both.domains[i]) for i, name in ((0, old), (1, new))]
    if kinds[0] == kinds[1] and (old == new or kinds[0][0]):
        return "same"
    if kinds[0][1] or kinds[1][1]:
        return _fit_domains(old, new, both)
    return _fit_parsed(_parse(old), _parse(new)) if old != new else "other"


def _fit_domains(old: str, new: str, both: Comparison) -> Fit:
    (before, held), (after, asked) = (
        _resolve(name, both.domains[i]) for i, name in ((0, old), (1, new))
    )
    if before in both.domains[0] or after in both.domains[1]:
        return "other"
    found = fit(before, after, both)
    return "narrower" if found != "other" and asked - held else found


def _resolve(name: str, domains: dict[str, Domain]) -> tuple[str, frozenset[str]]:
    """Return the type under a domain and all that is asked of its values; a type is itself."""
    checks: frozenset[str] = frozenset()
    for _ in range(len(domains)):
        if name not in domains:
            break
        checks |= set(domains[name].checks)
        name = domains[name].base
    return name, checks


def _parse(text: str) -> _Parsed:
    found = _TYPE.match(text)
    if found is None:
        return _Parsed(text, None, 0)
    size = int(found["size"]) if found["size"] else None
    return _Parsed(found["name"] + (found["zone"] or ""), size, int(found["scale"] or 0))


def _fit_parsed(old: _Parsed, new: _Parsed) -> Fit:
    for family in (_INTEGERS, _FLOATS):
        if old.name in family and new.name in family:
            return "wider" if family.index(old.name) < family.index(new.name) else "narrower"
    if old.name in _TEXTS and new.name in _TEXTS:
        return _fit_texts(old, new)
    if old.name in _JSON and new.name in _JSON:
        # jsonb refuses \u0000 and forgets the order of keys; json lacks operators.
        return "narrower"
    return _fit_lengths(old, new) if old.name == new.name else "other"


def _fit_lengths(old: _Parsed, new: _Parsed) -> Fit:
    """Return how a type with one length takes what it took with another."""
    if old.name == "numeric":
        return _fit_numerics(old, new)
    if old.name.startswith(_TIMES):
        precisions = [_DEFAULT_PRECISION if one.size is None else one.size for one in (old, new)]
        return "rounds" if precisions[1] < precisions[0] else "same"
    return "narrower"


def _fit_texts(old: _Parsed, new: _Parsed) -> Fit:
    if new.name in ("character", "bpchar"):
        return "narrower"
    before, after = old.size or _ENDLESS, new.size or _ENDLESS
    if after < before:
        return "narrower"
    return "wider" if old.name in ("character", "bpchar") else "same"


def _fit_numerics(old: _Parsed, new: _Parsed) -> Fit:
    if new.size is None:
        return "same"
    if old.size is None:
        return "narrower"
    whole = new.size - new.scale >= old.size - old.scale
    return "same" if whole and new.scale >= old.scale else "narrower"


def _fits(both: Comparison, wanted: Fit, grade: Grade, consequence: str) -> Iterator[Said]:
    for pair in both.pairs:
        for old, new in pair.columns():
            if fit(old.type, new.type, both) == wanted:
                told = f"{consequence}: was {old.type}, is {new.type}"
                yield Said(grade, old.name, told, pair.old.name)


def _other(both: Comparison) -> Iterator[Said]:
    return _fits(both, "other", Grade.BREAK, "the code reads another kind of value")


def _narrower(both: Comparison) -> Iterator[Said]:
    return _fits(both, "narrower", Grade.RISK, "values may be refused or read otherwise")


def _rounds(both: Comparison) -> Iterator[Said]:
    return _fits(both, "rounds", Grade.LOW, "values are rounded")


def _wider(both: Comparison) -> Iterator[Said]:
    return _fits(both, "wider", Grade.LOW, "it may hold more than the code expects to read")


def _collation(both: Comparison) -> Iterator[Said]:
    for pair in both.pairs:
        for old, new in pair.columns():
            if old.collation != new.collation and fit(old.type, new.type, both) != "other":
                yield Said(Grade.RISK, old.name, "order and equality are others", pair.old.name)


def _domain_stricter(both: Comparison) -> Iterator[Said]:
    for name, old in both.domains[0].items():
        new = both.domains[1].get(name)
        if new is None:
            continue
        for check in sorted(set(new.checks) - set(old.checks)):
            yield Said(Grade.RISK, name, f"values may be refused by {check}")
        if fit(old.base, new.base, both) != "same":
            yield Said(Grade.RISK, name, f"stands over {new.base} and stood over {old.base}")


RULES = (
    Rule(
        "type-other",
        "Give the column its old type back, or add a new one beside it and move the code over.",
        _other,
    ),
    Rule(
        "type-narrower", "Look which values the code writes, and widen the type again.", _narrower
    ),
    Rule("type-rounds", "Nothing to do if the code does not compare what it wrote.", _rounds),
    Rule("type-wider", "See that no value is beyond what the older code can hold.", _wider),
    Rule("collation-changed", "Give the column its old collation back.", _collation),
    Rule(
        "domain-stricter", "Look which values the code writes, or drop the check.", _domain_stricter
    ),
)
