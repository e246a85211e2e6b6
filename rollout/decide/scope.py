"""Decides which part of a database a schema contract is about, and whether it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.model.contract import Scope
from rollout.model.finding import Finding, Go, Refuse, Verdict

if TYPE_CHECKING:
    from rollout.config import Migrations
    from rollout.model.contract import Contract

NOTES = "deploy"
"""The schema of our own notes about migrations."""


def decide_scope(migrations: Migrations, user: str) -> Scope:
    """Return which part of the database is the application's.

    Of Drizzle's schema only its table is left out: the schema may be `public`, or hold tables of
    the application's too.

    Args:
        migrations: What the environment's file says.
        user: Who the database's URL logs in as; the role where the file names none.
    """
    table = f"{migrations.table_schema}.{migrations.table}"
    return Scope(migrations.role or user, migrations.schemas, without=(table, NOTES))


def judge_scope(contract: Contract, scope: Scope) -> Verdict:
    """Judge whether a contract says something of each schema that was asked for by name.

    A name with a slip of the pen would give a contract of nothing, which every database fulfils.
    """
    named = [
        *(one.name for one in contract.relations),
        *(one.name for one in contract.enums),
        *(one.name for one in contract.domains),
        *(one.name for one in contract.sequences),
        *(one.signature for one in contract.functions),
    ]
    empty = [name for name in scope.schemas if not any(_lies_in(one, name) for one in named)]
    findings = tuple(
        Finding(
            "named-schema-empty",
            f"the database has nothing in the schema {name}, so nothing can be said of the code's "
            "needs there",
            "[migrations] schemas of the environment's file",
            "Correct the name, or leave the list out to take all schemas.",
        )
        for name in empty
    )
    return Refuse(findings) if findings else Go()


def _lies_in(name: str, schema: str) -> bool:
    quoted = schema.replace('"', '""')
    return name.startswith((f"{schema}.", f'"{quoted}".'))
