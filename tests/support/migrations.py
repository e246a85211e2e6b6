"""Migrations from their text alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.migrations.journal import Migration, split_statements
from rollout.migrations.judge import judge
from rollout.migrations.sql import parse_sql

if TYPE_CHECKING:
    from rollout.migrations.change import Judged
    from rollout.model.catalog import Catalog


def migration(text: str, tag: str = "0001_step") -> Migration:
    return Migration(tag, 1000, "hash", split_statements(text), text)


def judged(sql: str, catalog: Catalog) -> tuple[Judged, ...]:
    """Return what we say of some SQL."""
    parsed, problems = parse_sql(migration(sql))
    assert problems == ()
    return judge(parsed, catalog)
