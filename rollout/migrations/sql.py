"""SQL text to statements, by PostgreSQL's own grammar (libpg_query).

The only module that knows the binding, `postgast`: what leaves it are our own values, so another
binding of the same grammar can take its place. The grammar is PostgreSQL 18's. It is newer than
most servers, so that a text parses says that it is SQL, not that the server will take it.

Names of nodes and fields are those of PostgreSQL's parse trees (`AlterTableStmt`, `relname`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import postgast
from google.protobuf.message import DecodeError

from rollout.migrations.journal import line_in_file
from rollout.model.finding import Finding
from rollout.model.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.migrations.journal import Migration

OPAQUE = "Opaque"
"""The kind of a statement that cannot be looked into.

It is SQL nested too deep, or, where a text is only to be sent (`pieces_of`), one that the grammar
does not take.
"""

_TOKEN: Any = cast("Any", postgast).pg_query_pb2.Token
_COMMENTS = {"SQL_COMMENT", "C_COMMENT"}
_LITERALS = {"SCONST", "USCONST", "BCONST", "XCONST", "FCONST", "ICONST"}

# Drizzle's way of writing "unless it is there already"; what stands inside is what counts.
_UNLESS_THERE = re.compile(
    r"\s*BEGIN\s(?P<inside>.*?)\sEXCEPTION\s+WHEN\s+duplicate_\w+(?:\s+OR\s+duplicate_\w+)*"
    r"\s+THEN\s+null\s*;\s*END\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a parse tree. What is absent is empty, nought, false or no node.

    Attributes:
        kind: What PostgreSQL calls it.
        fields: Its parts by name; those with their type's empty value are left out.
    """

    kind: str
    fields: Mapping[str, Value]

    def text(self, name: str) -> str:
        """Return a field that is a text, or the name of an enumeration's value."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """Return a field that is a whole number."""
        value = self.fields.get(name, 0)
        return value if isinstance(value, int) else 0

    def flag(self, name: str) -> bool:
        """Return a field that is true or false."""
        return self.fields.get(name) is True

    def one(self, name: str) -> Node:
        """Return a field that is a node; `ABSENT` when there is none."""
        value = self.fields.get(name)
        return value if isinstance(value, Node) else ABSENT

    def many(self, name: str) -> tuple[Node, ...]:
        """Return a field that is a list of nodes."""
        value = self.fields.get(name)
        return value if isinstance(value, tuple) else ()

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it."""
        yield self
        for value in self.fields.values():
            for child in value if isinstance(value, tuple) else (value,):
                if isinstance(child, Node):
                    yield from child.walk()

    def __bool__(self) -> bool:
        """Return whether it is there."""
        return bool(self.kind)


ABSENT = Node("", {})
"""No node: everything of it is empty, and it is false."""


Value: TypeAlias = "str | int | Node | tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A statement and its parse tree."""

    statement: Statement
    tree: Node


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement within a text; places are characters, counted from 0.

    Attributes:
        text: The statement as it is written, without its semicolon and the white space around it.
        start: Where it begins.
        end: Where its semicolon stands; the text's end when it has none.
        tree: Its parse tree.
    """

    text: str
    start: int
    end: int
    tree: Node


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a literal or a sign.

    Attributes:
        text: As it is written; a quoted name with its quotes.
        start: Where it begins, in characters from 0.
        literal: Whether it is a string or a number.
    """

    text: str
    start: int
    literal: bool = False

    @property
    def end(self) -> int:
        """Return where it ends."""
        return self.start + len(self.text)


class _NotSql(Exception):
    """Raised when a text is no SQL; the place is a character, counted from 1, or 0."""

    def __init__(self, problem: str, position: int) -> None:
        super().__init__(problem)
        self.position = position


def parse_sql(migration: Migration) -> tuple[tuple[Parsed, ...], tuple[Finding, ...]]:
    """Return a migration's statements in order, and what of it is no SQL.

    What Drizzle wraps in a `DO` block so that it does nothing the second time stands here as if it
    were not wrapped.

    Args:
        migration: The file.

    Returns:
        The statements, without those of a part that does not parse; and a finding for each such
        part, with its file, statement and line.
    """
    parsed: list[Parsed] = []
    problems: list[Finding] = []
    for number, text in enumerate(migration.statements, 1):
        try:
            pieces = tuple(_unwrapped_pieces(text))
        except _NotSql as problem:
            problems.append(_syntax_error(migration, number, problem))
            continue
        for piece in pieces:
            line = line_in_file(migration, number, piece.start + 1)
            place = Statement(migration.file, number, line, piece.text, piece.tree.kind)
            parsed.append(Parsed(place, piece.tree))
    return tuple(parsed), tuple(problems)


def pieces_of(text: str) -> tuple[Piece, ...]:
    """Return the statements of a text that is sent to a server, as they are written.

    Nothing is unwrapped, and every text has an answer: one that the grammar does not take is one
    statement of the kind `OPAQUE`. Lint refuses it before anything runs; whoever sends it all the
    same sends it whole, and the server says what it thinks of it.

    Args:
        text: SQL.

    Returns:
        The statements in order; empty when there are white space, comments and semicolons only.
    """
    try:
        return _split(text)
    except _NotSql:
        stripped = text.strip()
        return (Piece(stripped, text.index(stripped), len(text), Node(OPAQUE, {})),)


def tokens_of(text: str) -> tuple[Token, ...]:
    """Return the words, literals and signs of a text, without its comments.

    It need not be whole statements: what is cut off inside a literal or a quoted name, and anything
    else that PostgreSQL's scanner does not take, is one last literal up to the end.
    """
    try:
        scanned: Any = cast("Any", postgast).scan(text).tokens
    except postgast.PgQueryError as error:
        at = min(max(error.cursorpos - 1, 0), len(text) - 1)
        rest = () if text.startswith("/*", at) else (Token(text[at:], at, literal=True),)
        return (*tokens_of(text[:at]), *rest)
    encoded = text.encode()
    named = ((one, _TOKEN.Name(one.token)) for one in scanned)
    return tuple(
        Token(
            encoded[one.start : one.end].decode(),
            len(encoded[: one.start].decode()),
            name in _LITERALS,
        )
        for one, name in named
        if name not in _COMMENTS
    )


def deparse(expression: Node) -> str:
    """Return an expression as SQL, written by the grammar: names are quoted where they must be.

    Args:
        expression: A part of a parse tree that can stand in a list of what is selected.

    Returns:
        The text; empty when the grammar cannot write it.
    """
    fields = {"op": "SETOP_NONE", "limit_option": "LIMIT_OPTION_DEFAULT"}
    select = Node(
        "SelectStmt", {**fields, "target_list": (Node("ResTarget", {"val": expression}),)}
    )
    binding: Any = cast("Any", postgast)
    tree = binding.pg_query_pb2.ParseResult()
    _fill(tree.stmts.add(), Node("RawStmt", {"stmt": select}))
    try:
        text: str = binding.deparse(tree)
    except postgast.PgQueryError:
        return ""
    return text.removeprefix("SELECT ")


def _syntax_error(migration: Migration, number: int, problem: _NotSql) -> Finding:
    line = line_in_file(migration, number, max(problem.position, 1))
    return Finding(
        "syntax-error",
        f"PostgreSQL's grammar does not take it: {problem}",
        f"{migration.file}, statement {number}, line {line}",
        "Correct it in the schema and generate the migration again with drizzle-kit.",
    )


def _unwrapped_pieces(text: str) -> Iterator[Piece]:
    for piece in _split(text):
        yield from _unwrapped(piece) or (piece,)


def _split(text: str) -> tuple[Piece, ...]:
    """Return the statements of a text.

    Raises:
        _NotSql: When it is none.
    """
    encoded = text.encode()
    try:
        found: Any = cast("Any", postgast).parse(text).stmts
        spans = tuple((raw.stmt_location, raw.stmt_len, _node(raw.stmt)) for raw in found)
    except postgast.PgQueryError as error:
        raise _NotSql(error.message, error.cursorpos) from None
    except DecodeError:
        return tuple(_one_by_one(text))
    return tuple(_cut(encoded, start, length, tree) for start, length, tree in spans)


def _one_by_one(text: str) -> Iterator[Piece]:
    """Yield the statements of a text of which one is nested deeper than a tree can be handed over.

    PostgreSQL takes such a statement; we can only say that we have not looked into it.
    """
    pieces: list[str] = cast("Any", postgast).split(text)
    at = 0
    for piece in pieces:
        at = text.index(piece, at)
        start = at + len(piece) - len(piece.lstrip())
        if len(pieces) == 1:
            yield Piece(piece.strip(), start, at + len(piece), Node(OPAQUE, {}))
        else:
            yield from (_moved(one, at) for one in _split(piece))
        at += len(piece)


def _cut(encoded: bytes, start: int, length: int, tree: Node) -> Piece:
    """Return a statement; the grammar counts bytes, and a length of 0 means up to the end."""
    text = encoded[start : start + length if length else None].decode()
    begins = len(encoded[:start].decode())
    return Piece(text.strip(), begins, begins + len(text), tree)


def _moved(piece: Piece, by: int) -> Piece:
    return replace(piece, start=piece.start + by, end=piece.end + by)


def _unwrapped(piece: Piece) -> tuple[Piece, ...]:
    """Return what stands inside Drizzle's `DO` block; nothing when it is no such block."""
    if piece.tree.kind != "DoStmt":
        return ()
    words = {one.text("defname"): one.one("arg").text("sval") for one in piece.tree.many("args")}
    body = words.get("as", "")
    match = _UNLESS_THERE.fullmatch(body)
    if match is None or words.get("language", "plpgsql") != "plpgsql":
        return ()
    try:
        pieces = _split(match["inside"])
    except _NotSql:
        # PL/pgSQL of its own: the block stays what it is.
        return ()
    # Where the body is quoted with escapes it is not found as it stands; the block's place will do.
    at = piece.text.find(body)
    offset = piece.start + (at + match.start("inside") if at >= 0 else 0)
    return tuple(_moved(one, offset) for one in pieces)


def _node(message: Any) -> Node:
    """Return a message of the binding as a node; the wrapper around alternatives falls away."""
    kind: str = message.DESCRIPTOR.name
    if kind == "Node":
        name = message.WhichOneof("node")
        return _node(getattr(message, name)) if name else ABSENT
    return Node(kind, {field.name: _value(field, value) for field, value in message.ListFields()})


def _value(field: Any, value: Any) -> Value:
    if field.is_repeated:
        return tuple(_node(one) if field.message_type else Node(str(one), {}) for one in value)
    if field.message_type:
        return _node(value)
    if field.enum_type:
        return str(field.enum_type.values_by_number[value].name)
    return cast("Value", value)


def _fill(message: Any, node: Node) -> None:
    """Make a message of the binding say what a node does: the way back from `_node`."""
    if message.DESCRIPTOR.name == "Node":
        if node:
            alternatives = message.DESCRIPTOR.oneofs_by_name["node"].fields
            name = next(one.name for one in alternatives if one.message_type.name == node.kind)
            getattr(message, name).SetInParent()
            _fill(getattr(message, name), node)
        return
    for name, value in node.fields.items():
        _set(message, message.DESCRIPTOR.fields_by_name[name], value)


def _set(message: Any, field: Any, value: Value) -> None:
    if isinstance(value, tuple):
        for one in value:
            _fill(getattr(message, field.name).add(), one)
    elif isinstance(value, Node):
        getattr(message, field.name).SetInParent()
        _fill(getattr(message, field.name), value)
    elif field.enum_type:
        setattr(message, field.name, field.enum_type.values_by_name[value].number)
    else:
        setattr(message, field.name, value)
