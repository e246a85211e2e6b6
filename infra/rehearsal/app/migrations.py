"""Add a migration as Drizzle Kit would: SQL, journal entry and snapshot.

Layout of drizzle-kit 0.31 (snapshot version 7). What is made here was compared with the real tool:
`drizzle-kit generate` finds nothing to do after it.
"""

from __future__ import annotations

import copy
import json
import uuid
from typing import TYPE_CHECKING, Any, TypeAlias

from infra.rehearsal.app.editions import edition_of
from infra.rehearsal.app.tree import Tree, text_of, with_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Snapshot: TypeAlias = dict[str, Any]
"""Drizzle's description of the whole schema after a migration."""

FOLDER = "packages/db/src/migrations"
JOURNAL = f"{FOLDER}/meta/_journal.json"
BREAKPOINT = "--> statement-breakpoint\n"
_FIRST_MS = 1_774_872_000_000
"""When the last migration of `template/` was made, in milliseconds since 1970."""
_DAY_MS = 86_400_000


def add_migration(
    tree: Tree, name: str, statements: Sequence[str], reshape: Callable[[Snapshot], Snapshot]
) -> Tree:
    """Return the tree with one more migration at the end of the journal.

    Args:
        tree: the application, showing the new edition already; its journal holds a migration.
        name: words for the tag, joined by underscores.
        statements: SQL, each ending in a semicolon.
        reshape: turns the last snapshot's schema into the one after these statements.
    """
    journal = json.loads(text_of(tree, JOURNAL))
    last = journal["entries"][-1]
    idx = last["idx"] + 1
    # By edition and not by place: a migration that was taken back must not lend its `when`, by
    # which it may be recognised, to the one that comes in its place.
    when = _FIRST_MS + edition_of(tree) * _DAY_MS
    entry = {**last, "idx": idx, "when": when, "tag": f"{idx:04d}_{name}"}
    journal["entries"].append(entry)

    before: Snapshot = json.loads(text_of(tree, _snapshot_path(last["idx"])))
    after = reshape(copy.deepcopy(before))
    # Made from what came before, so that the same history gives the same commits anywhere.
    after["id"] = str(uuid.uuid5(uuid.UUID(before["id"]), entry["tag"]))
    after["prevId"] = before["id"]

    tree = with_text(tree, f"{FOLDER}/{entry['tag']}.sql", BREAKPOINT.join(statements))
    tree = with_text(tree, _snapshot_path(idx), _as_drizzle_writes(after))
    return with_text(tree, JOURNAL, _as_drizzle_writes(journal))


def text_column(name: str, *, required: bool) -> Snapshot:
    """Return a text column without a default as a snapshot describes it."""
    return {"name": name, "type": "text", "primaryKey": False, "notNull": required}


def plain_index(name: str, column: str) -> Snapshot:
    """Return an ordinary index on one column as a snapshot describes it."""
    ordered = {"expression": column, "isExpression": False, "asc": True, "nulls": "last"}
    return {
        "name": name,
        "columns": [ordered],
        "isUnique": False,
        "concurrently": False,
        "method": "btree",
        "with": {},
    }


def _snapshot_path(idx: int) -> str:
    return f"{FOLDER}/meta/{idx:04d}_snapshot.json"


def _as_drizzle_writes(value: object) -> str:
    # Two spaces and no line feed at the end: a later run of the real tool then changes no line.
    return json.dumps(value, indent=2, ensure_ascii=False)
