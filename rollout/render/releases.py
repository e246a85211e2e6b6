"""What people and programs read of an environment's releases: a table, JSON, its page in the UI."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rollout.model.release import SHORT_LENGTH
from rollout.render.report import cell, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.ledger import Entry
    from rollout.model.overview import Overview, ReleaseLine

_LONGEST_REASON = 60
_COLUMNS = ("", "RELEASE", "VERSION", "STAGE", "WHEN", "BY", "IMAGE", "MIGRATIONS", "HOST", "WHY")
_SHA256 = "sha256:"


def render_table(overview: Overview, limit: int) -> str:
    """Return the newest releases as a table for a terminal, or a sentence where there is none.

    Args:
        overview: The environment's releases.
        limit: How many releases to show.
    """
    if not overview.releases:
        return f"{overview.environment} has no release yet"
    rows = (_COLUMNS, *(_row(overview, one) for one in overview.releases[:limit]))
    return "\n".join((*lined_up(rows), *_odd(overview)))


def lined_up(rows: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return rows as lines, each column as wide as its widest cell; rows have equal lengths."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return tuple("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def render_json(overview: Overview, limit: int) -> str:
    """Return the newest releases as a JSON object on one line; the keys are the fields' names.

    Args:
        overview: The environment's releases.
        limit: How many releases to show.
    """
    fields = asdict(overview)
    fields["releases"] = [asdict(one) for one in overview.releases[:limit]]
    return json.dumps(fields, ensure_ascii=False)


def render_state(overview: Overview, history: Sequence[Entry]) -> str:
    """Return an environment's present state as markdown.

    Args:
        overview: The environment's releases.
        history: The ledger's last entries, oldest first.
    """
    return "\n".join(
        (
            f"# {overview.environment}: {_headline(overview)}",
            "",
            *(f"- **{name}:** {text}" for name, text in _facts(overview).items()),
            *_odd(overview),
            "",
            "| when | release | version | what happened | why | by |",
            "| --- | --- | --- | --- | --- | --- |",
            *("| " + " | ".join(_history_row(one)) + " |" for one in reversed(history)),
            "",
        )
    )


def _headline(overview: Overview) -> str:
    return f"release {overview.current} serves" if overview.current else "nothing serves yet"


def _facts(overview: Overview) -> dict[str, str]:
    current = overview.release(overview.current)
    if current is None:
        return {}
    previous = overview.release(overview.previous_good)
    told = (
        f"release {previous.number} (`{previous.version[:SHORT_LENGTH]}`)" if previous else "none"
    )
    return {
        "version": f"`{current.version}`",
        "image": f"`{current.image}`",
        "stage": current.stage,
        "since": f"{overview.since} by {plain(current.actor) or 'nobody named'}",
        "reason": plain(current.reason) or "the merge itself",
        "previous good one": told,
    }


def _history_row(one: Entry) -> tuple[str, ...]:
    words = (one.at, str(one.release), one.version[:SHORT_LENGTH], one.event, one.reason, one.actor)
    return tuple(cell(word) for word in words)


def _odd(overview: Overview) -> tuple[str, ...]:
    """Return a line where the proxy and the ledger do not agree: a run was cut in between."""
    if overview.live == overview.current:
        return ()
    live = f"release {overview.live}" if overview.live else "no release"
    return (
        "",
        f"The proxy sends requests to {live}, and the ledger's current one is "
        f"{overview.current or 'none'}: a run was cut. The next run sees to it.",
    )


def _row(overview: Overview, one: ReleaseLine) -> tuple[str, ...]:
    marks = {overview.previous_good: "previous good", overview.current: "current"}
    reason = printable(one.reason)
    return (
        marks.get(one.number, ""),
        str(one.number),
        one.version[:SHORT_LENGTH],
        one.stage,
        one.at,
        printable(one.actor),
        one.image.removeprefix(_SHA256)[:SHORT_LENGTH],
        "" if one.migrations is None else str(one.migrations),
        "yes" if one.on_host else "no",
        reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 3]}...",
    )


def printable(text: str) -> str:
    """Return text on one line, without what a terminal would obey."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
