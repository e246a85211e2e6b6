"""Drafts the migration after which older code can live with the schema again.

It goes forward: it is one more migration in Drizzle's form, never a row taken out of its table. The
draft is a proposal; whether it holds is decided on a scratch copy (`rollout/decide/corrective.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from rollout.migrations.journal import BREAKPOINT, JOURNAL, Journal
from rollout.migrations.restoring import RESTORING, Answer, Place
from rollout.model.judgement import Grade

if TYPE_CHECKING:
    from rollout.model.contract import Contract
    from rollout.model.judgement import Judgement, Reason

NAME = "corrective"
"""What a drafted migration is called, after its number or its date."""
_NOTE = (
    "-- Drafted from the schema contracts. It has no snapshot: bring schema.ts in line with it,\n"
    "-- and let drizzle-kit write the next one."
)
_ORDER = ("create schema", "create type", "alter type", "create table", "alter", "drop rule")
_LATE = ("create unique", "select", "drop view", "create view", "grant")


@dataclass(frozen=True, slots=True)
class Restored:
    """What is done about one `BREAK`.

    Attributes:
        rule: The rule that said it.
        where: The place.
        answer: The statements, and what does not come back.
    """

    rule: str
    where: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Draft:
    """A corrective migration that nobody has tried yet.

    Attributes:
        restored: One for each `BREAK`, the judgement's order; empty when nothing is broken.
    """

    restored: tuple[Restored, ...]

    @property
    def statements(self) -> tuple[str, ...]:
        """Return all statements, each once, in the order in which they can run."""
        found = (one for restored in self.restored for one in restored.answer.statements)
        return tuple(sorted(dict.fromkeys(found), key=_rank))

    @property
    def missing(self) -> tuple[Restored, ...]:
        """Return the breaks for which there is no draft; their `lost` says why."""
        return tuple(one for one in self.restored if not one.answer.statements)

    @property
    def text(self) -> str:
        """Return the migration's file; empty when there is nothing to say in it."""
        if not self.statements:
            return ""
        marked = f";\n{BREAKPOINT}\n".join(self.statements)
        return f"{_NOTE}\n{marked};\n"

    def describe(self) -> str:
        """Return a line for each break: what restores it, and what stays lost."""
        return "\n".join(_line(one) for one in self.restored) or "nothing is broken"


def draft(old: Contract, live: Contract, judgement: Judgement) -> Draft:
    """Return the migration that answers each `BREAK` of a judgement.

    Args:
        old: What the older code was verified with.
        live: What is there now.
        judgement: What `compatible(old, live)` said.
    """
    breaks = (reason for reason in judgement.reasons if reason.grade == Grade.BREAK)
    return Draft(tuple(_restored(reason, old, live) for reason in breaks))


def in_folder(text: str, journal: Journal, journal_text: str, now_ms: int) -> dict[str, str]:
    """Return the files with which a migration joins a folder, in the folder's own layout.

    Args:
        text: The migration.
        journal: What the folder says.
        journal_text: The text of `meta/_journal.json`; empty in the layout of Drizzle 1.0.
        now_ms: Milliseconds since 1970; moved past the newest migration when that is later.

    Returns:
        Path below the folder to content; the journal again with one entry more, where there is one.
    """
    newest = max((migration.when for migration in journal.migrations), default=0)
    if not journal_text:
        # The date's grain is a second: two migrations of one second would stand in any order.
        moment = datetime.fromtimestamp(max(now_ms, newest + 1000) // 1000, UTC)
        return {f"{moment:%Y%m%d%H%M%S}_{NAME}/migration.sql": text}
    written = cast("dict[str, Any]", json.loads(journal_text))
    number = 1 + max((entry["idx"] for entry in written["entries"]), default=-1)
    tag = f"{number:04}_{NAME}"
    entry = {
        "idx": number,
        "version": written.get("version", "7"),
        "when": max(now_ms, newest + 1),
        "tag": tag,
        "breakpoints": True,
    }
    written["entries"] = [*written["entries"], entry]
    return {f"{tag}.sql": text, JOURNAL: json.dumps(written, indent=2, ensure_ascii=False) + "\n"}


def _restored(reason: Reason, old: Contract, live: Contract) -> Restored:
    finding = reason.finding
    restore = RESTORING.get(finding.rule)
    if restore is None:
        answer = Answer(lost="nothing is drafted for this rule")
    else:
        answer = restore(_place(finding.where, old, live))
    return Restored(finding.rule, finding.where, answer)


def _place(where: str, old: Contract, live: Contract) -> Place:
    """Return the place that a finding's words mean: the longest name that they begin with."""
    names = [one.name for side in (old, live) for one in (*side.relations, *side.enums)]
    fitting = [name for name in names if where == name or where.startswith(f"{name}.")]
    name = max(fitting, key=len, default=where)
    return Place(old, live, name, where[len(name) + 1 :])


def _rank(statement: str) -> int:
    order = (*_ORDER, *_LATE)
    return next((n for n, start in enumerate(order) if statement.startswith(start)), len(order))


def _line(one: Restored) -> str:
    done = "; ".join(one.answer.statements) or "no draft"
    lost = f" ({one.answer.lost})" if one.answer.lost else ""
    return f"{one.rule}: {one.where}: {done}{lost}"
