"""What people read of a release: its report and the table of what was looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.model.finding import Check, Verdict
    from rollout.model.release import Release

_OK, _NOT_OK = "yes", "NO"


def check_rows(checks: Iterable[Check]) -> list[dict[str, str]]:
    """Return checks as the rows of a table, in their order."""
    return [
        {
            "check": check.name,
            "expected": check.expected,
            "seen": check.seen,
            "ok": _OK if check.ok else _NOT_OK,
        }
        for check in checks
    ]


def render_release_report(release: Release, verdict: Verdict, url: str) -> str:
    """Return a release's report as markdown.

    Args:
        release: What was deployed.
        verdict: What verify found.
        url: The application's public address.
    """
    well = all(check.ok for check in verdict.checks) and bool(verdict.checks)
    facts = {
        "version": f"`{release.version}`",
        "image": f"`{release.image.reference}`",
        "application": f"[{url}]({url})",
        "made": f"{release.created_at} by {release.actor or 'nobody named'}",
        "reason": release.reason or "the merge itself",
        "migrations": ", ".join(release.migrations) or "none",
        "takes up again": f"release {release.restores}" if release.restores else "",
    }
    return "\n".join(
        (
            f"# Release {release.number} {'serves' if well else 'was not seen serving'}",
            "",
            *(f"- **{name}:** {_text(value)}" for name, value in facts.items() if value),
            "",
            "| check | expected | seen | ok |",
            "| --- | --- | --- | --- |",
            *("| " + " | ".join(_cell(row)) + " |" for row in check_rows(verdict.checks)),
            *(("", *_findings(verdict)) if verdict.findings else ()),
            "",
        )
    )


def _findings(verdict: Verdict) -> Iterable[str]:
    return (f"- {_text(one.consequence)}. {_text(one.help)}" for one in verdict.findings)


def _cell(row: dict[str, str]) -> list[str]:
    return [_text(value).replace("|", "\\|") for value in row.values()]


def _text(value: str) -> str:
    """Return text that stays on its line and brings no markup of its own."""
    return " ".join(value.split()).replace("<", "&lt;")
