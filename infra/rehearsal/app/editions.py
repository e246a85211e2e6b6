"""The edition: the number on the first page, by which a person sees that a commit was deployed."""

from __future__ import annotations

import re

from infra.rehearsal.app.tree import Tree, replaced, text_of

_GREETING = "packages/content/src/greeting.js"
_EDITION = re.compile(r"EDITION = (\d+);")


def edition_of(tree: Tree) -> int:
    """Return the edition that the first page shows: 1 at first, one more with each commit."""
    found = _EDITION.search(text_of(tree, _GREETING))
    return int(found[1]) if found else 0


def with_edition(tree: Tree, edition: int) -> Tree:
    """Return the tree showing another edition."""
    return replaced(tree, _GREETING, f"EDITION = {edition_of(tree)};", f"EDITION = {edition};")
