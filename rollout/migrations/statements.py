"""Recognises what single SQL statements are, as far as running them depends on it.

By their parse trees (`rollout.migrations.sql`), whose words are PostgreSQL's own. Of a statement
that cannot be looked into (`OPAQUE`) every answer is no.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rollout.migrations.sql import tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rollout.migrations.sql import Node, Piece

Control = Literal["begin", "commit", "other"]

_ALONE = {
    "AlterSystemStmt",
    "CreateSubscriptionStmt",
    "CreateTableSpaceStmt",
    "CreatedbStmt",
    "DropSubscriptionStmt",
    "DropTableSpaceStmt",
    "DropdbStmt",
}
_REINDEXED_ALONE = {"REINDEX_OBJECT_DATABASE", "REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM"}
_REFRESHING = {
    "ALTER_SUBSCRIPTION_ADD_PUBLICATION",
    "ALTER_SUBSCRIPTION_DROP_PUBLICATION",
    "ALTER_SUBSCRIPTION_SET_PUBLICATION",
}
_CONTROL: Mapping[str, Control | None] = {
    "TRANS_STMT_BEGIN": "begin",
    "TRANS_STMT_START": "begin",
    "TRANS_STMT_COMMIT": "commit",
    "TRANS_STMT_SAVEPOINT": None,
    "TRANS_STMT_RELEASE": None,
    "TRANS_STMT_ROLLBACK_TO": None,
}
_OFF = {"false", "off"}
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_$]*")


@dataclass(frozen=True, slots=True)
class ConcurrentIndex:
    """What a CREATE INDEX CONCURRENTLY says.

    Attributes:
        name: The index's name as the catalog has it; empty when the server is to choose.
        table: The table as it is written.
        unique: Whether it is unique.
        rest: What follows the table: method, columns, predicate.
    """

    name: str
    table: str
    unique: bool
    rest: str


@dataclass(frozen=True, slots=True)
class ConcurrentReindex:
    """What a REINDEX CONCURRENTLY says.

    Attributes:
        kind: What is rebuilt: `INDEX`, `TABLE`, `SCHEMA` or `DATABASE`.
        name: Its name as SQL; empty for the database that the connection is to.
    """

    kind: str
    name: str


def runs_alone(statement: Piece) -> bool:
    """Return whether the server refuses it inside a transaction (SQLSTATE 25001).

    Source: PostgreSQL 17, `PreventInTransactionBlock` and its callers, read 2026-11-25.
    """
    tree = statement.tree
    alone_if: Mapping[str, Callable[[Node], bool]] = {
        "AlterDatabaseStmt": lambda it: any(
            one.text("defname") == "tablespace" for one in it.many("options")
        ),
        "AlterSubscriptionStmt": _refreshes,
        "ClusterStmt": lambda it: not it.one("relation"),
        "ReindexStmt": lambda it: it.text("kind") in _REINDEXED_ALONE,
    }
    if is_concurrent(statement) or is_vacuum(statement) or tree.kind in _ALONE:
        return True
    return tree.kind in alone_if and alone_if[tree.kind](tree)


def is_concurrent(statement: Piece) -> bool:
    """Return whether it works beside readers and writers, and waits for old snapshots."""
    tree = statement.tree
    if tree.kind in {"IndexStmt", "DropStmt"}:
        return tree.flag("concurrent")
    if tree.kind == "ReindexStmt":
        return _is_on(tree.many("params"), "concurrently")
    return _detaches_concurrently(tree)


def is_vacuum(statement: Piece) -> bool:
    """Return whether it is a VACUUM; to the grammar an ANALYZE is nearly one."""
    return statement.tree.kind == "VacuumStmt" and statement.tree.flag("is_vacuumcmd")


def transaction_control(statement: Piece) -> Control | None:
    """Return what it does to a transaction; None when nothing.

    Returns:
        `begin` and `commit` in their plain forms. `other` for what a plan cannot do in its place:
        giving up, two-phase commit, a transaction of another kind. Savepoints are nothing.
    """
    tree = statement.tree
    if tree.kind != "TransactionStmt":
        return None
    return "other" if tree.many("options") else _CONTROL.get(tree.text("kind"), "other")


def setting(statement: Piece) -> str | None:
    """Return the name of what a SET or RESET sets, in small letters; None for anything else."""
    tree = statement.tree
    if tree.kind != "VariableSetStmt":
        return None
    return "all" if tree.text("kind") == "VAR_RESET_ALL" else tree.text("name").lower()


def outlives_transaction(statement: Piece) -> bool:
    """Return whether it is a setting that holds on after a COMMIT."""
    name = setting(statement)
    kept = name not in {None, "transaction", "transaction snapshot"}
    return kept and not statement.tree.flag("is_local")


def added_label(statement: Piece) -> str | None:
    """Return the label, as SQL, that an ALTER TYPE .. ADD VALUE adds to an enum."""
    tree = statement.tree
    if tree.kind != "AlterEnumStmt" or tree.text("old_val"):
        return None
    return "'" + tree.text("new_val").replace("'", "''") + "'"


def concurrent_index(statement: Piece) -> ConcurrentIndex | None:
    """Return what a CREATE INDEX CONCURRENTLY makes; None for anything else."""
    tree = statement.tree
    if tree.kind != "IndexStmt" or not is_concurrent(statement):
        return None
    tokens = tokens_of(statement.text)
    # No name can be this word unless it is quoted, and then the quotes are a part of the token.
    words = [token.text.upper() for token in tokens]
    first = words.index("ON") + 1
    if words[first] == "ONLY":
        first += 1
    last = first
    while words[last + 1] == ".":
        last += 2
    return ConcurrentIndex(
        name=tree.text("idxname"),
        table="".join(token.text for token in tokens[first : last + 1]),
        unique=tree.flag("unique"),
        rest=statement.text[tokens[last].end :],
    )


def concurrent_reindex(statement: Piece) -> ConcurrentReindex | None:
    """Return what a REINDEX CONCURRENTLY rebuilds; None for anything else."""
    tree = statement.tree
    kind = tree.text("kind").removeprefix("REINDEX_OBJECT_")
    # The server rebuilds its own tables in one way only.
    if tree.kind != "ReindexStmt" or kind == "SYSTEM" or not is_concurrent(statement):
        return None
    relation = tree.one("relation")
    named = (*(relation.text(part) for part in ("schemaname", "relname")), tree.text("name"))
    return ConcurrentReindex(kind, ".".join(_quoted(part) for part in named if part))


def finishing(statement: Piece) -> str | None:
    """Return what finishes an ALTER TABLE .. DETACH .. CONCURRENTLY that was cut off.

    None for anything else.
    """
    if not _detaches_concurrently(statement.tree):
        return None
    # It is the statement's last word: before it stand names, which may be the same word.
    last = tokens_of(statement.text)[-1]
    return statement.text[: last.start] + "FINALIZE" + statement.text[last.end :]


def without_literals(text: str) -> str:
    r"""Return a statement on one line with `?` for each literal, and without comments.

    It may be cut off anywhere; what is cut off counts as a literal.

    Example:
        >>> without_literals("update note set body = 'secret' -- hm\n where id = 7")
        'update note set body = ? where id = ?'
    """
    told, end = "", 0
    for token in tokens_of(text):
        gap = " " if told and token.start > end else ""
        told += gap + ("?" if token.literal else token.text)
        end = token.end
    return told


def _detaches_concurrently(tree: Node) -> bool:
    return tree.kind == "AlterTableStmt" and any(
        command.text("subtype") == "AT_DetachPartition" and command.one("def").flag("concurrent")
        for command in tree.many("cmds")
    )


def _refreshes(tree: Node) -> bool:
    """Return whether a change of a subscription reads its publications anew."""
    kind = tree.text("kind")
    if kind == "ALTER_SUBSCRIPTION_REFRESH":
        return True
    return kind in _REFRESHING and _is_on(tree.many("options"), "refresh", unsaid=True)


def _is_on(options: Iterable[Node], name: str, *, unsaid: bool = False) -> bool:
    """Return whether an option is given, with no value or one that is not off."""
    for option in options:
        if option.text("defname") == name:
            value = option.one("arg")
            zero = value.kind == "Integer" and not value.number("ival")
            return not zero and value.text("sval").lower() not in _OFF
    return unsaid


def _quoted(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'
