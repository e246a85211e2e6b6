"""Terraform's code as plain values: parsed, not run."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
from hcl2.utils import SerializationOptions

ROOT = Path(__file__).parents[2] / "infra/terraform"
MODULES = ("", *sorted(f"modules/{path.name}" for path in (ROOT / "modules").iterdir()))
_PLAIN = SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)


@cache
def _parsed(module: str) -> tuple[dict[str, Any], ...]:
    return tuple(
        hcl2.loads(path.read_text(), serialization_options=_PLAIN)
        for path in sorted((ROOT / module).glob("*.tf"))
    )


def blocks(module: str, kind: str) -> list[dict[str, Any]]:
    """Return a module's blocks of a kind (`resource`, `variable`...), `""` is the root."""
    return [block for document in _parsed(module) for block in document.get(kind, ())]


def named(module: str, kind: str) -> dict[str, Any]:
    """Return name to body of a module's variables, outputs or module calls."""
    return {name: body for block in blocks(module, kind) for name, body in block.items()}


def resources(module: str, kind: str) -> dict[str, dict[str, Any]]:
    """Return name to body of a module's resources of a type."""
    return {
        name: body
        for block in blocks(module, "resource")
        for name, body in block.get(kind, {}).items()
    }


def only(module: str, kind: str) -> dict[str, Any]:
    """Return the only resource of a type in a module."""
    (body,) = resources(module, kind).values()
    return body


def every_resource() -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return module, type, name and body of all resources."""
    return [
        (module, kind, name, body)
        for module in MODULES
        for block in blocks(module, "resource")
        for kind, of_kind in block.items()
        for name, body in of_kind.items()
    ]


def text(module: str) -> str:
    """Return a module's whole code, without whole-line comments."""
    whole = "\n".join(path.read_text() for path in sorted((ROOT / module).glob("*.tf")))
    return re.sub(r"^\s*#.*$", "", whole, flags=re.MULTILINE)


def source(call: dict[str, Any], caller: str) -> str:
    """Return the module that a call names, as `MODULES` has it."""
    return str((ROOT / caller / call["source"]).resolve().relative_to(ROOT))
