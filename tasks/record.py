"""Evidence: the host's ledger, and what people see beside the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from rollout.commands.host import append_ledger_command
from rollout.decide.history import entry
from rollout.ledger import render_entry
from rollout.model.layout import Layout
from rollout.render.report import check_rows, render_release_report

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.ledger import Event
    from rollout.model.finding import Verdict
    from rollout.model.release import Release


def write_ledger(
    host: Host, settings: Environment, release: Release, event: Event, reason: str | None = None
) -> None:
    """Append what happened to a release to the host's ledger."""
    line = render_entry(entry(release, event, reason))
    host.check(
        append_ledger_command(Layout(settings.application.directory), line),
        "the ledger could not be written",
        left=f"Release {release.number} is {event}, and the ledger does not say so.",
        next_step="Look at the host's disk, then retry this run.",
    )


def publish_release(release: Release, verdict: Verdict, url: str) -> None:
    """Show a release's report, its checks and the way to the application beside the run."""
    create_markdown_artifact(
        key="release",
        markdown=render_release_report(release, verdict, url),
        description=f"release {release.number}: {release.version.short}",
    )
    create_table_artifact(
        key="verify",
        table=check_rows(verdict.checks),
        description=f"what verify saw of release {release.number}",
    )
    create_link_artifact(key="application", link=url, description="the application's own health")
