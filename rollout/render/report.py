"""What people read of a release: its report and the table of what was looked at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollout.model.finding import Go, Inconclusive
from rollout.model.release import SHORT_LENGTH
from rollout.render.picture import data_uri, render_picture, summarise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollout.model.finding import Assessment, Check
    from rollout.model.release import Release
    from rollout.model.sample import Sample

_WHOLE = re.compile(rf"(?:\S+@)?(sha256:)?\b([0-9a-f]{{{SHORT_LENGTH}}})[0-9a-f]{{28,52}}\b")
_SHORT = r"\1\2"
_OK = "yes"
_NOT_OK = {"refuse": "NO", "warn": "warning", "unknown": "unknown"}


def check_rows(checks: Iterable[Check]) -> list[dict[str, str]]:
    """Return checks as the rows of a table, in their order."""
    return [
        {
            "check": check.name,
            "expected": check.expected,
            "seen": check.seen,
            "ok": _OK if check.ok else _NOT_OK[check.weight],
        }
        for check in checks
    ]


def render_release_report(
    release: Release, verdict: Assessment, url: str, service: str, samples: Sequence[Sample] = ()
) -> str:
    """Return a release's report as markdown: first what somebody asks at night, last what is exact.

    The UI cuts a wide table off at its right, so whether a check is met stands first, and commits
    and digests are short there; the table `verify` beside it has them whole.

    Args:
        release: What was deployed.
        verdict: What verify found.
        url: The application's public address.
        service: The compose service that is switched.
        samples: What was seen from outside meanwhile; none leaves the picture out.
    """
    return "\n".join(
        (
            f"# Release {release.number} {_headline(verdict)}",
            "",
            *((*_findings(verdict), "") if verdict.findings else ()),
            *_listed(_facts(release, url)),
            *(("", *_picture(release, service, samples)) if samples else ()),
            "",
            "## What was looked at",
            "",
            "| ok | check | seen | expected |",
            "| --- | --- | --- | --- |",
            *(_check_row(row) for row in check_rows(verdict.checks)),
            "",
            "## What it is made of",
            "",
            *_listed(_parts(release)),
            "",
        )
    )


def _check_row(row: dict[str, str]) -> str:
    words = (row["ok"], row["check"], row["seen"], row["expected"])
    return "| " + " | ".join(cell(_WHOLE.sub(_SHORT, word)) for word in words) + " |"


def _listed(facts: dict[str, str]) -> Iterable[str]:
    return (f"- **{name}:** {plain(value)}" for name, value in facts.items() if value)


def _headline(verdict: Assessment) -> str:
    if isinstance(verdict, Inconclusive):
        return "could not be verified"
    return "serves" if isinstance(verdict, Go) and verdict.checks else "was not seen serving"


def _facts(release: Release, url: str) -> dict[str, str]:
    """Return what a person asks first of a release, by name; empty is what it does not have."""
    return {
        "version": f"`{release.version}`",
        "application": f"[{url}]({url})",
        "made": f"{release.created_at} by {release.actor or 'nobody named'}",
        "reason": release.reason or "the merge itself",
        "takes up again": f"release {release.restores}" if release.restores else "",
    }


def _parts(release: Release) -> dict[str, str]:
    """Return what a release freezes, by name; empty is what it does not have."""
    versions = (f"{name} {number}" for name, number in sorted(release.secret_versions.items()))
    repository, _, digest = release.image.reference.partition("@")
    return {
        "image": f"`{repository}`",
        "digest": f"`{digest}`",
        "migrations": ", ".join(release.migrations) or "none",
        "secret versions": ", ".join(versions),
        **{name: f"`sha256:{digest}`" for name, digest in sorted(release.files.items())},
        "run": f"`{release.run_id}`" if release.run_id else "",
    }


def _picture(release: Release, service: str, samples: Sequence[Sample]) -> tuple[str, ...]:
    """Return the picture, with its figures as its alternative text and as a line of their own."""
    told = summarise(samples, release, service).sentence()
    address = data_uri(render_picture(samples, release, service))
    return ("## Seen from outside", "", f"![{told}]({address})", "", f"{told}.")


def _findings(verdict: Assessment) -> Iterable[str]:
    return (f"- {plain(one.consequence)}. {plain(one.help)}" for one in verdict.findings)


def cell(text: str) -> str:
    """Return text as a cell of a markdown table."""
    return plain(text).replace("|", "\\|")


def plain(text: str) -> str:
    """Return text that stays on its line and brings no markup of its own."""
    return " ".join(text.split()).replace("<", "&lt;")
