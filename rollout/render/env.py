"""The application's environment file, quoted so that compose reads back what was meant.

Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/
(read 2026-11) and the parser itself, which the integration tests ask about every kind of value.
"""

from __future__ import annotations

import re

from rollout.errors import ConfigInvalid
from rollout.model.command import Secret

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_ESCAPED = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\r": "\\r"}
_NEEDS_ESCAPES = re.compile(r"['\\\r]")


def render_env(variables: dict[str, Secret]) -> Secret:
    """Return the text of a `.env`; the same variables give the same text in any order.

    Args:
        variables: Name to value. Values may hold anything but a zero byte.

    Raises:
        ConfigInvalid: When a name is none, or a value cannot stand in an environment.
    """
    lines = [f"{name}={_quoted(name, variables[name].reveal())}\n" for name in sorted(variables)]
    return Secret("".join(lines))


def _quoted(name: str, value: str) -> str:
    """Return a value in the quotes that keep it as it is: single where they can, else double."""
    if not _NAME.match(name):
        raise ConfigInvalid("secrets", f"{name!r} is no name of a variable")
    if "\0" in value:
        raise ConfigInvalid(f"secrets.{name}", "holds a zero byte, which no variable can")
    if not _NEEDS_ESCAPES.search(value):
        return f"'{value}'"
    return '"' + "".join(_ESCAPED.get(letter, letter) for letter in value) + '"'
