"""The two ways in which the application is served, as trees."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from infra.rehearsal.app.tree import File, Tree

Kind: TypeAlias = Literal["plain", "next"]

_HERE = Path(__file__).resolve().parent
_TEMPLATE = _HERE / "template"
_NEXT = _HERE / "next"
_GENERATED = frozenset({"node_modules", ".next"})
_WEB = "apps/web/"
_MARK_OF_NEXT = "apps/web/next.config.mjs"


def load(kind: Kind) -> Tree:
    """Return the application as it is before its first commit."""
    template = _read_folder(_TEMPLATE)
    return template if kind == "plain" else {**_without_web(template), **_read_folder(_NEXT)}


def kind_of(tree: Tree) -> Kind:
    """Return how the application in a tree is served."""
    return "next" if _MARK_OF_NEXT in tree else "plain"


def converted(tree: Tree, pristine: Tree) -> Tree:
    """Return a tree with its web application replaced by that of a pristine tree.

    What both kinds share (database, content, checks) keeps the changes that its history made.
    """
    pristine_web = {path: file for path, file in pristine.items() if path.startswith(_WEB)}
    return {**_without_web(tree), **pristine_web}


def _without_web(tree: Tree) -> Tree:
    return {path: file for path, file in tree.items() if not path.startswith(_WEB)}


def _read_folder(folder: Path) -> Tree:
    return {
        path.relative_to(folder).as_posix(): File(
            path.read_bytes(), executable=bool(path.stat().st_mode & 0o100)
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file() and _GENERATED.isdisjoint(path.relative_to(folder).parts)
    }
