"""Decide what the next commit of the application holds. Trees in, commits out; no git here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.rehearsal.app import kinds
from infra.rehearsal.app.editions import with_edition
from infra.rehearsal.app.faults import FAULTS, Fault
from infra.rehearsal.app.migrations import Snapshot, add_migration, plain_index, text_column
from infra.rehearsal.app.tree import Tree, replaced, text_of, with_text

if TYPE_CHECKING:
    from infra.rehearsal.app.kinds import Kind

FAULT_TRAILER = "Rehearsal-Fault"
"""Marks a faulty commit, so that a later one can start from before it."""

_NOTES = "packages/db/src/notes.js"
_NOTES_SCHEMA = "packages/db/src/schema/notes.ts"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit to be made.

    Attributes:
        message: subject, and a trailer when it is faulty.
        tree: all files after it.
    """

    message: str
    tree: Tree


def migrates(edition: int) -> bool:
    """Return whether an edition without a fault brings a migration: every second one does."""
    return edition % 2 == 0


def first(tree: Tree) -> Commit:
    """Return the commit that a repository begins with."""
    return Commit("Begin", tree)


def converted(tree: Tree, kind: Kind, pristine: Tree) -> Commit:
    """Return the commit after which the same application is served in another way."""
    server = "Next.js" if kind == "next" else "a plain Node server"
    return Commit(f"Serve by {server}", kinds.converted(tree, pristine))


def following(sound: Tree, edition: int, fault: Fault | None) -> Commit:
    """Return the next edition.

    Args:
        sound: the last tree without a fault.
        edition: the number that the new commit shows.
        fault: what it spoils. A faulty edition brings no migration but the faulty one, so that
            nothing but the fault differs.
    """
    tree = with_edition(sound, edition)
    if fault:
        message = f"Publish edition {edition}\n\n{FAULT_TRAILER}: {fault}"
        return Commit(message, FAULTS[fault](tree))
    if migrates(edition):
        return Commit(f"Publish edition {edition}: label notes", _with_label(tree, edition))
    return Commit(f"Publish edition {edition}", tree)


def _with_label(tree: Tree, edition: int) -> Tree:
    """Return the tree with a new column on notes, in database, schema and queries alike."""
    column, index = f"label_{edition}", f"note_label_{edition}_idx"
    tree = replaced(
        tree,
        _NOTES_SCHEMA,
        "  },\n  (table) => [\n",
        f'    label{edition}: text("{column}"),\n  }},\n  (table) => [\n',
    )
    tree = replaced(
        tree, _NOTES_SCHEMA, "  ],\n);", f'    index("{index}").on(table.label{edition}),\n  ],\n);'
    )
    queries = re.sub(r"(COLUMNS = \[[^\]]*)\]", rf'\1, "{column}"]', text_of(tree, _NOTES))

    def reshape(snapshot: Snapshot) -> Snapshot:
        notes = snapshot["tables"]["public.note"]
        notes["columns"][column] = text_column(column, required=False)
        notes["indexes"][index] = plain_index(index, column)
        return snapshot

    return add_migration(
        with_text(tree, _NOTES, queries),
        f"note_{column}",
        (
            f'ALTER TABLE "note" ADD COLUMN "{column}" text;',
            f'CREATE INDEX "{index}" ON "note" USING btree ("{column}");',
        ),
        reshape,
    )
