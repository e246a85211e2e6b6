"""The reference of every setting: made from the classes that read the files, so it cannot lag.

What a setting is stands in its class's docstring, under `Attributes`; its type, bounds and default
are pydantic's own. A setting that its class does not describe is an error.
"""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args, get_origin

from griffe import Docstring, DocstringSectionAttributes, DocstringSectionText
from pydantic import BaseModel

from rollout.errors import ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_COLUMNS = ("setting", "type", "unit", "default", "what it is")
# How a setting's name ends; the longer ends come first.
_UNITS = {
    "_per_min": "per minute",
    "_per_s": "per second",
    "_days": "days",
    "_mib": "MiB",
    "_ms": "milliseconds",
    "_s": "seconds",
}
_BOUNDS = {
    "exclusiveMinimum": "over",
    "minimum": "at least",
    "exclusiveMaximum": "below",
    "maximum": "at most",
}
_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no"}
_PAGE = re.compile(r"`docs/([a-z-]+\.md)`")


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of a file, and the class that reads it.

    Attributes:
        path: Its keys with dots between them; empty for the file's own.
        model: The class.
        many: Whether there may be any number of them.
        optional: Whether it may be left out though it has settings without a default.
    """

    path: str
    model: type[BaseModel]
    many: bool = False
    optional: bool = False


def render_tables(model: type[BaseModel]) -> str:
    """Return every table of a file as markdown, the file's own keys first.

    Args:
        model: The class that reads the file.

    Raises:
        ConfigInvalid: When a class and its docstring name different settings.
    """
    sections = (_section(table) for table in _tables(_Table("", model)))
    return "\n\n".join(section for section in sections if section)


def _tables(table: _Table) -> Iterator[_Table]:
    """Yield a table and all within it, in the order of the classes' fields."""
    yield table
    for name, field in table.model.model_fields.items():
        inner = _inner(field.annotation)
        if inner is not None:
            path = f"{table.path}.{field.alias or name}".lstrip(".")
            many = get_origin(field.annotation) is tuple
            yield from _tables(_Table(path, inner, many, field.default is None))


def _inner(annotation: object) -> type[BaseModel] | None:
    """Return the class of the tables that a field holds; None where it holds a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_inner(part) for part in get_args(annotation))
    return next((one for one in found if one is not None), None)


def _section(table: _Table) -> str:
    """Return a table's part of the page; empty where it holds nothing but other tables."""
    about, meanings = _described(table.model)
    schema: dict[str, Any] = table.model.model_json_schema(by_alias=True)
    rows = [
        (f"`{key}`", _type(schema["properties"][key]), _unit(key), _default(key, schema), meaning)
        for name, meaning in meanings.items()
        for key in (table.model.model_fields[name].alias or name,)
        if _inner(table.model.model_fields[name].annotation) is None
    ]
    return "\n\n".join((_heading(table), _linked(about), _markdown(rows))) if rows else ""


def _described(model: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """Return what a class says of itself, and of each of its fields in their order."""
    sections = Docstring(inspect.getdoc(model) or "").parse("google")
    texts = [section.value for section in sections if isinstance(section, DocstringSectionText)]
    told = {
        attribute.name: " ".join(attribute.description.split())
        for section in sections
        if isinstance(section, DocstringSectionAttributes)
        for attribute in section.value
    }
    if odd := sorted(told.keys() ^ model.model_fields.keys()):
        raise ConfigInvalid(model.__name__, f"its fields and its docstring differ: {odd}")
    return texts[0], {name: told[name] for name in model.model_fields}


def _heading(table: _Table) -> str:
    if not table.path:
        return "### At the top of the file"
    name = f"[[{table.path}]]" if table.many else f"[{table.path}]"
    note = ", one for each" if table.many else ", may be left out" if table.optional else ""
    return f"### `{name}`{note}"


def _type(schema: dict[str, Any]) -> str:
    """Return a JSON schema's type in words, with what bounds it."""
    if "anyOf" in schema:
        named = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(_type(one) for one in named)
    if "const" in schema:
        return _literal(schema["const"])
    if "enum" in schema:
        *others, last = (_literal(one) for one in schema["enum"])
        return f"{', '.join(others)} or {last}"
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}" + (", not empty" if "minItems" in schema else "")
    if schema["type"] == "object":
        return "table of text"
    return _plain(schema)


def _plain(schema: dict[str, Any]) -> str:
    if schema.get("format") == "path":
        return "path inside the repository"
    bounds = [f"{word} {schema[key]:.0f}" for key, word in _BOUNDS.items() if key in schema]
    pattern = [f"`{schema['pattern']}`"] if "pattern" in schema else []
    return ", ".join((_WORDS[schema["type"]], *bounds, *pattern))


def _unit(key: str) -> str:
    return next((unit for end, unit in _UNITS.items() if key.endswith(end)), "")


def _default(key: str, schema: dict[str, Any]) -> str:
    if key in schema.get("required", ()):
        return "**needed**"
    default = schema["properties"][key]["default"]
    return "none" if default is None else _literal(default)


def _literal(value: object) -> str:
    """Return a value as the file would have it; whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{json.dumps(value)}`"


def _linked(text: str) -> str:
    """Return text in which a page of `docs/` is a link, as seen from another page there."""
    return _PAGE.sub(r"[docs/\1](\1)", text)


def _markdown(rows: Sequence[tuple[str, ...]]) -> str:
    lines = (_COLUMNS, ("---",) * len(_COLUMNS), *rows)
    cells = ([_linked(cell.replace("|", "\\|")) for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
