"""Names what differs between two schema contracts: which object, and what of it.

Nothing is judged here. Whether code can live with a difference is what `compatible` says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, cast

from rollout.model.dry_run import Difference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import Contract

_NAMES = ("name", "signature")
_TITLES = {"foreign_keys": "foreign key", "other": "what stands as text"}


def differences(one: Contract, other: Contract, sides: tuple[str, str]) -> tuple[Difference, ...]:
    """Return what differs, object by object; empty for two equal contracts.

    Args:
        one: A contract.
        other: Another one.
        sides: What the two are called in what is told, such as `the live database`.
    """
    return tuple(_compared("", one, other, sides))


def _compared(where: str, one: Any, other: Any, sides: tuple[str, str]) -> Iterator[Difference]:
    for name in (field.name for field in fields(one)):
        left, right = getattr(one, name), getattr(other, name)
        if left == right:
            continue
        if not _is_tuple(left):
            told = f"{_title(name)} is {_text(left)} in {sides[0]} and {_text(right)} in {sides[1]}"
            yield Difference(where or "the schema", told)
        elif _key(left) or _key(right):
            yield from _by_name(where, name, (left, right), sides)
        else:
            yield from _unnamed(where, name, (left, right), sides)


def _by_name(
    where: str, kind: str, both: tuple[Any, Any], sides: tuple[str, str]
) -> Iterator[Difference]:
    """Yield the differences of things that have names of their own."""
    key = _key(both[0]) or _key(both[1])
    left, right = ({getattr(one, key): one for one in side} for side in both)
    for name in dict.fromkeys((*left, *right)):
        place = ".".join(part for part in (where, name) if part)
        if name not in right or name not in left:
            side = sides[0] if name in left else sides[1]
            yield Difference(place, f"this {_title(kind).removesuffix('s')} is only in {side}")
        elif left[name] != right[name]:
            yield from _compared(place, left[name], right[name], sides)
    if set(left) == set(right) and list(left) != list(right):
        yield Difference(where or "the schema", f"its {kind} stand in another order")


def _unnamed(
    where: str, kind: str, both: tuple[Any, Any], sides: tuple[str, str]
) -> Iterator[Difference]:
    """Yield what only one side has of things that are known by what they say."""
    texts = [Counter(map(_text, side)) for side in both]
    for side, here, there in ((sides[0], *texts), (sides[1], *reversed(texts))):
        for text in (here - there).elements():
            told = f"{_title(kind).removesuffix('s')} {text} is only in {side}"
            yield Difference(where or "the schema", told)
    if texts[0] == texts[1]:
        yield Difference(where or "the schema", f"its {kind} stand in another order")


def _is_tuple(value: Any) -> bool:
    return isinstance(value, tuple)


def _key(side: tuple[Any, ...]) -> str:
    """Return the attribute that names such things; empty where they have no name."""
    first: Any = side[0] if side else None
    if not is_dataclass(first):
        return ""
    named = {field.name for field in fields(first)}
    return next((name for name in _NAMES if name in named), "")


def _text(value: Any) -> str:
    """Return a value for people: of a constraint only what is not as usual."""
    if is_dataclass(value) and not isinstance(value, type):
        said = (
            f"{_title(field.name)} {_text(getattr(value, field.name))}"
            for field in fields(value)
            if getattr(value, field.name) != field.default
        )
        return f"({', '.join(said)})"
    if isinstance(value, tuple):
        return ", ".join(map(_text, cast("tuple[Any, ...]", value))) or "none"
    return "nothing" if value in (None, "") else str(value)


def _title(name: str) -> str:
    return _TITLES.get(name, name.replace("_", " "))
