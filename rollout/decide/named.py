"""Finds the names of variables and secrets in texts: code, compose, examples, workflows, lists."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from rollout.model.manifest import Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAME = r"[A-Z][A-Z0-9_]*"
# In a file that declares variables a single capital is rather a type's parameter.
_LONG_NAME = r"[A-Z][A-Z0-9_]+"
_DECLARED = re.compile(rf"""["']({_LONG_NAME})["']|^\s*({_LONG_NAME})\s*\??:""")
# `$$` stands for a dollar (docs.docker.com, interpolation, read 2026-11-25).
_FILLED_IN = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)|\$([A-Za-z_][A-Za-z0-9_]*)")
_EXAMPLE = re.compile(rf"^\s*(?:export\s+)?({_NAME})=")
# Terraform's own attribute of a secret, a resource's path, and the option of gcloud. One that is
# put together while a script runs is not found.
_SECRET = re.compile(
    r"""\bsecret_id\s*=\s*"([A-Za-z0-9_-]+)"|\bsecrets/([A-Za-z0-9_-]+)(?![A-Za-z0-9_$-])"""
    r"""|--secret[=\s]+["']?([A-Za-z0-9_-]+)(?![A-Za-z0-9_$-])"""
)


def names_read(
    lines: Iterable[tuple[str, int, str]], objects: tuple[str, ...]
) -> tuple[Named, ...]:
    r"""Return the variables that lines of code read.

    A name that is put together while the code runs, and a list of names over several lines before
    `= process.env`, are not found.

    Args:
        lines: Path, number and text of each.
        objects: What variables are read of.

    Example:
        >>> names_read([("a.js", 3, "listen(process.env.PORT, env['HOST'])")], ("process.env",))
        (Named(name='PORT', path='a.js', line=3),)
    """
    either = "|".join(map(re.escape, objects))
    reads = re.compile(
        rf"""(?<![\w.])(?:{either})(?:\?\.|\.)(?:get\(\s*["'])?({_NAME})\b"""
        rf"""|(?<![\w.])(?:{either})(?:\?\.)?\[\s*["']({_NAME})["']\s*\]"""
        rf"""|\{{([^{{}}]*)\}}\s*=\s*(?:{either})(?![\w.])"""
    )
    return tuple(
        Named(name, path, number)
        for path, number, text in lines
        for found in reads.finditer(text)
        for name in _read(found)
    )


def _read(found: re.Match[str]) -> Iterator[str]:
    if found[3] is None:
        yield found[1] or found[2]
        return
    # `{ PORT: port = 80, HOST }` names PORT and HOST.
    for part in found[3].split(","):
        if name := re.match(rf"\s*({_NAME})\s*(?:[:=]|$)", part):
            yield name[1]


def names_declared(path: str, text: str) -> tuple[Named, ...]:
    """Return the variables of a file that declares what the code needs: keys and quoted names."""
    return _each_line(path, text, _DECLARED)


def names_filled_in(path: str, text: str) -> tuple[Named, ...]:
    """Return the variables that compose fills in, comments left out.

    What a service is given under `environment` is its own matter; what stands there as `${NAME}` is
    not.
    """
    return _each_line(path, "\n".join(map(_without_comment, text.splitlines())), _FILLED_IN)


def names_in_example(path: str, text: str) -> tuple[Named, ...]:
    """Return the variables of a file of lines such as `NAME=value`; comments do not count."""
    return _each_line(path, text, _EXAMPLE)


def secrets_listed(path: str, text: str, known: Iterable[str]) -> tuple[Named, ...]:
    """Return the secrets that a file lists: the known ones, and others where it plainly says so.

    Args:
        path: The file: Terraform, or a script.
        text: Its text; whole-line comments do not count.
        known: Names in Secret Manager, found wherever they stand as a word of their own.
    """
    either = "|".join(map(re.escape, sorted(known)))
    words = re.compile(rf"(?<![\w-])({either})(?![\w-])") if either else re.compile(r"(?!)()")
    code = "\n".join("" if line.lstrip().startswith("#") else line for line in text.splitlines())
    found = {*_each_line(path, code, words), *_each_line(path, code, _SECRET)}
    return tuple(sorted(found, key=lambda one: (one.line, one.name)))


def names_in_workflow(path: str, text: str) -> tuple[Named, ...]:
    """Return the variables of every `env` block of a workflow.

    Raises:
        ValueError: When the text is no YAML.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    return tuple(_env_blocks(path, root)) if root else ()


def _env_blocks(path: str, node: yaml.Node) -> Iterator[Named]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _env_blocks(path, item)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        if key.value == "env" and isinstance(value, yaml.MappingNode):
            for name, _ in value.value:
                yield Named(name.value, path, name.start_mark.line + 1)
        else:
            yield from _env_blocks(path, value)


def _each_line(path: str, text: str, pattern: re.Pattern[str]) -> tuple[Named, ...]:
    return tuple(
        Named(name, path, number)
        for number, line in enumerate(text.splitlines(), start=1)
        for found in pattern.finditer(line)
        for name in (next((group for group in found.groups() if group), ""),)
        if name
    )


def _without_comment(line: str) -> str:
    return re.sub(r"(^|\s)#.*", "", line)
