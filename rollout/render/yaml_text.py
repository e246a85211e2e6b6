"""YAML as compose reads it: plain words by the rules of YAML 1.2, which PyYAML's own are not."""

from __future__ import annotations

import re
from typing import Any

import yaml

# By first character, as PyYAML looks them up. Everything else is text: `yes`, `22:22`, a date.
_BOOL = ("tag:yaml.org,2002:bool", re.compile("(?:true|True|TRUE|false|False|FALSE)$"))
_NULL = ("tag:yaml.org,2002:null", re.compile("(?:~|null|Null|NULL|)$"))
_INT = ("tag:yaml.org,2002:int", re.compile("[-+]?(?:0|[1-9][0-9]*)$"))
_MERGE = ("tag:yaml.org,2002:merge", re.compile("<<$"))
_RESOLVERS: dict[str, list[Any]] = {
    **{letter: [_BOOL] for letter in "tTfF"},
    **{letter: [_NULL] for letter in ("~", "n", "N", "")},
    **{letter: [_INT] for letter in "-+0123456789"},
    "<": [_MERGE],
}


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = _RESOLVERS


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (the base asks for it)
        """Write what an anchor shared each time in full, so that a person reads one place."""
        return True


def parse_yaml(text: str) -> Any:
    """Return what a YAML text says.

    Raises:
        ValueError: When it is no YAML, or asks for a tag that is no plain value.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def render_yaml(document: Any) -> str:
    """Return a document as YAML, keys in their order, long texts on one line."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
