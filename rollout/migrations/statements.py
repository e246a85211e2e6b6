"""Recognises what single SQL statements are, as far as running them depends on it.

No parser: it knows comments, strings and dollar quotes, and looks at words. Whoever asks sees only
`split` and the questions below it, so a parser can take its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Control = Literal["begin", "commit", "other"]

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
      | (?P<comment>/\*)
      | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))
      | (?P<string>'(?:[^']|'')*(?:'|\Z))
      | (?P<quoted>"(?:[^"]|"")*(?:"|\Z))
      | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<number>\d[\w.]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_LITERALS = {"escaped", "string", "dollar", "number"}
_ALONE_BY_TWO_WORDS = {
    ("CREATE", "DATABASE"),
    ("DROP", "DATABASE"),
    ("CREATE", "TABLESPACE"),
    ("DROP", "TABLESPACE"),
    ("CREATE", "SUBSCRIPTION"),
    ("DROP", "SUBSCRIPTION"),
    ("ALTER", "SYSTEM"),
}
_PLAIN_BEGINS = {("BEGIN",), ("BEGIN", "WORK"), ("BEGIN", "TRANSACTION"), ("START", "TRANSACTION")}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a literal or a sign.

    Attributes:
        kind: What it is: `word`, `quoted`, `string`, `escaped`, `dollar`, `number` or `other`.
        text: As it is written.
        start: Where it begins in the text that was split, counted from 0.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Return where it ends."""
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """Return it in capitals when it is a word; a quoted name is none, and stays as it is."""
        return self.text.upper() if self.kind == "word" else self.text


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as the server would see it.

    Attributes:
        text: The statement with what stands before it, without its semicolon.
        start: Where it begins in the text that was split, counted from 0.
        tokens: Its words and signs; empty when it is comments only.
    """

    text: str
    start: int
    tokens: tuple[Token, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Return its words in capitals, and its signs."""
        return tuple(token.word for token in self.tokens)


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


def split(text: str) -> tuple[Statement, ...]:
    r"""Return the statements of a text; what is only white space and comments is left out.

    Example:
        >>> [one.text for one in split("select ';'; -- a; b\n select $$;$$; ;")]
        ["select ';'", ' -- a; b\n select $$;$$']
    """
    found: list[Statement] = []
    start, depth, tokens = 0, 0, list[Token]()
    for token in _tokens(text):
        depth = max(0, depth + _depth(token, tokens))
        if token.text == ";" and depth == 0:
            found.append(Statement(text[start : token.start], start, tuple(tokens)))
            start, tokens = token.end, []
        else:
            tokens.append(token)
    found.append(Statement(text[start:], start, tuple(tokens)))
    return tuple(statement for statement in found if statement.tokens)


def runs_alone(statement: Statement) -> bool:
    """Return whether the server refuses it inside a transaction (SQLSTATE 25001).

    Source: PostgreSQL 17, `PreventInTransactionBlock` and its callers, read 2026-11-25.
    """
    words = statement.words
    if is_concurrent(statement) or words[:1] == ("VACUUM",) or words[:2] in _ALONE_BY_TWO_WORDS:
        return True
    if words[0] == "CLUSTER":
        return words[1:] in {(), ("VERBOSE",)}
    if words[:2] == ("ALTER", "DATABASE"):
        return "TABLESPACE" in words
    if words[:2] == ("ALTER", "SUBSCRIPTION"):
        return "REFRESH" in words
    return words[0] == "REINDEX" and not {"DATABASE", "SYSTEM", "SCHEMA"}.isdisjoint(words[1:6])


def is_concurrent(statement: Statement) -> bool:
    """Return whether it works beside readers and writers, and waits for old snapshots."""
    words = statement.words
    if "CONCURRENTLY" not in words:
        return False
    if words[:2] == ("ALTER", "TABLE"):
        return "DETACH" in words
    made = words[0] == "CREATE" and ("INDEX", "CONCURRENTLY") in pairwise(words[:4])
    return made or words[:3] == ("DROP", "INDEX", "CONCURRENTLY") or words[0] == "REINDEX"


def transaction_control(statement: Statement) -> Control | None:
    """Return what it does to a transaction; None when nothing.

    Returns:
        `begin` and `commit` in their plain forms. `other` for what a plan cannot do in its place:
        giving up, two-phase commit, a transaction of another kind. Savepoints are nothing.
    """
    words = statement.words
    first = words[0]
    if first in {"BEGIN", "START"}:
        return "begin" if words in _PLAIN_BEGINS else "other"
    if first in {"COMMIT", "END"}:
        return "other" if "PREPARED" in words else "commit"
    if first == "ROLLBACK":
        return None if "TO" in words[1:3] else "other"
    return "other" if first == "ABORT" or words[:2] == ("PREPARE", "TRANSACTION") else None


def setting(statement: Statement) -> str | None:
    """Return the name of what a SET or RESET sets, in small letters; None for anything else."""
    words = statement.words
    if words[0] not in {"SET", "RESET"}:
        return None
    named = words[2:3] if words[1:2] in {("SESSION",), ("LOCAL",)} else words[1:2]
    return named[0].strip('"').lower() if named else None


def outlives_transaction(statement: Statement) -> bool:
    """Return whether it is a setting that holds on after a COMMIT."""
    kept = setting(statement) not in {None, "transaction", "constraints"}
    return kept and statement.words[1:2] != ("LOCAL",)


def added_label(statement: Statement) -> str | None:
    """Return the label, as it is written, that an ALTER TYPE .. ADD VALUE adds to an enum."""
    words = statement.words
    if words[:2] != ("ALTER", "TYPE") or ("ADD", "VALUE") not in pairwise(words):
        return None
    after = statement.tokens[words.index("VALUE") :]
    return next((token.text for token in after if token.kind == "string"), None)


def concurrent_index(statement: Statement) -> ConcurrentIndex | None:
    """Return what a CREATE INDEX CONCURRENTLY makes; None for anything else."""
    words = statement.words
    if words[0] != "CREATE" or not is_concurrent(statement) or "ON" not in words:
        return None
    begin = words.index("CONCURRENTLY") + 1
    if words[begin : begin + 3] == ("IF", "NOT", "EXISTS"):
        begin += 3
    on = words.index("ON", begin)
    first = on + 2 if words[on + 1] == "ONLY" else on + 1
    last = first
    while words[last + 1 : last + 2] == (".",):
        last += 2
    ends = statement.tokens[last].end
    return ConcurrentIndex(
        name=_name(statement.tokens[begin]) if on > begin else "",
        table="".join(token.text for token in statement.tokens[first : last + 1]),
        unique=words[1] == "UNIQUE",
        rest=statement.text[ends - statement.start :],
    )


def without_literals(text: str) -> str:
    r"""Return a statement on one line with `?` for each literal, and without comments.

    Example:
        >>> without_literals("update note set body = 'secret' -- hm\n where id = 7")
        'update note set body = ? where id = ?'
    """
    told, end = "", 0
    for token in _tokens(text):
        gap = " " if told and token.start > end else ""
        told += gap + ("?" if token.kind in _LITERALS else token.text)
        end = token.end
    return told


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while match := _TOKEN.match(text, position):
        kind, position = match.lastgroup or "other", match.end()
        if kind == "comment":
            position = _end_of_comment(text, position)
        elif kind == "dollar":
            closing = text.find(match[0], position)
            position = len(text) if closing < 0 else closing + len(match[0])
        if kind not in {"space", "comment"}:
            yield Token(kind, text[match.start() : position], match.start())


def _end_of_comment(text: str, position: int) -> int:
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(text, position)):
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return len(text) if depth else position


def _depth(token: Token, before: list[Token]) -> int:
    """Return how a token changes what a semicolon stands in: brackets, or a body of SQL."""
    if token.text in {"(", ")"}:
        return 1 if token.text == "(" else -1
    if not before or before[0].word != "CREATE":
        return 0
    if token.word == "ATOMIC" and before[-1].word == "BEGIN":
        return 1
    in_body = any(one.word == "ATOMIC" for one in before)
    return {"CASE": 1, "END": -1}.get(token.word, 0) if in_body else 0


def _name(token: Token) -> str:
    if token.kind == "quoted":
        return token.text[1:-1].replace('""', '"')
    return token.text.lower()
