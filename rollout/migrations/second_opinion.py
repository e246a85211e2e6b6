"""What squawk, a linter of migrations by other people, says of ours; shown, and never decided by.

Rules of style are left out, and those about timeouts, because the runner sets its own. It reads
text alone: what the catalog knows (sizes, what is new) it cannot.

Source: squawk 2.70, its JSON reporter, tried 2026-11-25; lines are counted from 0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollout.model.statement import Statement

COLUMN = "second opinion"
NONE = "none"
_TIMEOUTS = {"require-lock-timeout", "require-statement-timeout", "require-timeout-settings"}
_STYLE = {"ban-char-field", "require-table-schema"}
_STYLE_PREFIX = "prefer-"


@dataclass(frozen=True, slots=True)
class Opinion:
    """One thing that squawk says.

    Attributes:
        file: The migration's file.
        line: The line of the file, counted from 1.
        rule: squawk's name for it.
        message: What it says, in one line.
    """

    file: str
    line: int
    rule: str
    message: str


def parse_opinions(file: str, text: str) -> tuple[Opinion, ...]:
    """Return what squawk says of a file, in its order, but for style and timeouts.

    Args:
        file: The migration's file.
        text: What its JSON reporter wrote.

    Raises:
        ValueError: When that is not what this version of the reporter writes.

    Example:
        >>> said = '[{"line": 1, "rule_name": "ban-drop-column", "message": "It goes."}]'
        >>> parse_opinions("a.sql", said)
        (Opinion(file='a.sql', line=2, rule='ban-drop-column', message='It goes.'),)
    """
    found: Any = json.loads(text)
    try:
        said = tuple(
            Opinion(
                file, int(one["line"]) + 1, str(one["rule_name"]), " ".join(one["message"].split())
            )
            for one in found
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"unknown form: {error!r}") from error
    return tuple(one for one in said if _is_told(one.rule))


def with_opinions(
    rows: Iterable[dict[str, str]], statements: Sequence[Statement], opinions: Iterable[Opinion]
) -> list[dict[str, str]]:
    """Return the rows of the table of pending migrations with one more column.

    An opinion stands beside the last statement that begins on its line or before it.

    Args:
        rows: Those about no single statement first, then one for each statement.
        statements: The statements, in the order of their rows.
        opinions: What was said; empty when nothing was.
    """
    said: dict[int, list[str]] = {}
    for one in opinions:
        number = _spoken_of(one, statements)
        if number is not None:
            said.setdefault(number, []).append(f"{one.rule}: {one.message}")
    shown = list(rows)
    before = len(shown) - len(statements)
    told = [""] * before + ["; ".join(said.get(n, [NONE])) for n in range(len(statements))]
    return [{**row, COLUMN: opinion} for row, opinion in zip(shown, told, strict=True)]


def _is_told(rule: str) -> bool:
    return not (rule in _TIMEOUTS or rule in _STYLE or rule.startswith(_STYLE_PREFIX))


def _spoken_of(opinion: Opinion, statements: Sequence[Statement]) -> int | None:
    """Return the number of the statement that is meant; None when the file has none."""
    ours = [n for n, statement in enumerate(statements) if statement.file == opinion.file]
    begun = [n for n in ours if statements[n].line <= opinion.line]
    return (begun or ours or [None])[-1 if begun else 0]
