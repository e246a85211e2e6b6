"""The form in which a person starts a rollback: the list of releases in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PARAMETER = "to"
"""The parameter that has the list."""
_SHORTEST = 7


def with_choices(schema: Mapping[str, Any], choices: Sequence[str]) -> dict[str, Any]:
    """Return a deployment's parameter schema whose form offers these releases and no others.

    Prefect shows an `enum` as a list, and its server refuses what is not in it (seen with Prefect
    3.8.8, 2026-11).

    Args:
        schema: The JSON schema, as Prefect has it.
        choices: What to offer, the newest first; the empty one, for the last good release, is put
            before them. None at all lets any text pass.

    Returns:
        The schema; the same where it has no such parameter.
    """
    properties = {**schema.get("properties", {})}
    if PARAMETER not in properties:
        return {**schema}
    parameter = {key: text for key, text in properties.get(PARAMETER, {}).items() if key != "enum"}
    properties[PARAMETER] = parameter | ({"enum": ["", *choices]} if choices else {})
    return {**schema, "properties": properties}


def choices_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the releases that a deployment's form offers; empty when it takes any text."""
    parameter = schema.get("properties", {}).get(PARAMETER, {})
    return tuple(one for one in cast("list[str]", parameter.get("enum", [])) if one)


def as_offered(wanted: str, choices: Sequence[str]) -> str:
    """Return the choice that a number or a commit names, and the text itself when none does.

    Args:
        wanted: What a person typed.
        choices: What the form offers, each `number commit`.

    Example:
        >>> as_offered("12", ["13 beefbeefbeef", "12 c0ffeec0ffee"])
        '12 c0ffeec0ffee'
    """
    for choice in choices:
        number, _, version = choice.partition(" ")
        if wanted in (choice, number) or (version and _same_commit(wanted.lower(), version)):
            return choice
    return wanted


def _same_commit(wanted: str, short: str) -> bool:
    """Return whether a commit, in full or in its first 7 digits or more, is the one shown."""
    return len(wanted) >= _SHORTEST and (wanted.startswith(short) or short.startswith(wanted))
