"""Evidence: the host's ledger, and what people see beside the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from httpx import HTTPError
from prefect import get_run_logger
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run

from rollout.commands.host import append_ledger_command
from rollout.decide.history import entry, give_way, serves_of
from rollout.decide.overview import overview
from rollout.decide.quarantine import newly_left
from rollout.errors import RolloutError
from rollout.executors.files import read_environment
from rollout.ledger import read_ledger, render_entry
from rollout.model.layout import Layout
from rollout.render.releases import render_state
from rollout.render.report import check_rows, render_release_report
from rollout.render.rollback import render_choice
from tasks.offer import offer_ways_back
from tasks.target import reach, read, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.config import Environment
    from rollout.decide.earlier import Earlier
    from rollout.executors.host import Host
    from rollout.ledger import Event
    from rollout.model.activation import Wish
    from rollout.model.finding import Assessment, Verdict
    from rollout.model.host import HostFacts
    from rollout.model.release import Release
    from rollout.model.sample import Sample

SHOWN_ENTRIES = 10


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


def note(host: Host, settings: Environment, release: Release, event: Event, reason: str) -> None:
    """Append what is true of a release already; that it cannot be written is a warning.

    A full disk must not keep a run from going back, or from being verified.
    """
    try:
        write_ledger(host, settings, release, event, reason)
    except RolloutError as error:
        tell(f"warning: {error}")


def note_left(
    host: Host, facts: HostFacts, leaves: int | None, release: Release, settings: Environment
) -> None:
    """Append that a rollback has left a release, unless the host's ledger says so already.

    Args:
        host: Where.
        facts: What was read of it, before it was switched.
        leaves: The number of what is left; None leaves nothing.
        release: What serves instead; it knows who asked for it, and why.
        settings: The environment.
    """
    left = newly_left(facts, leaves, release, settings.application.service)
    if left is not None:
        asked = {"actor": release.actor, "reason": release.reason, "run_id": release.run_id}
        note(host, settings, replace(left, **asked), "rolled-back", release.reason)


def gives_way(environment: str, reason: str) -> bool:
    """Return whether this run gives way to a newer merge; then the ledger says so of its release.

    Only a retried run has one. Where that serves already, because an earlier try was cut behind its
    switch, the run has to see to it and gives no way. What cannot be written is a warning: the
    newer run says it then.
    """
    settings = read_environment(environment)
    layout, service = Layout(settings.application.directory), settings.application.service
    try:
        with reach(settings) as host:
            facts = read(host, settings.application)
            if serves_of(facts, str(flow_run.id), service):
                return False
            for one in give_way(read_ledger(facts.ledger), str(flow_run.id), reason):
                host.check(append_ledger_command(layout, render_entry(one)), "write the ledger")
    except RolloutError as error:
        tell(f"warning: the ledger does not say that this run gave way: {error.true}")
    return True


def publish_release(
    release: Release, verdict: Assessment, settings: Environment, samples: Sequence[Sample] = ()
) -> None:
    """Show a release's report, its checks and the way to the application beside the run.

    What cannot be shown is a warning: no release is left because of a picture of it.
    """
    url, service = settings.verify.url, settings.application.service
    try:
        create_markdown_artifact(
            key="release",
            markdown=render_release_report(release, verdict, url, service, samples),
            description=f"release {release.number}: {release.version.short}",
        )
        create_table_artifact(
            key="verify",
            table=check_rows(verdict.checks),
            description=f"what verify saw of release {release.number}",
        )
        create_link_artifact(
            key="application", link=url, description="the application's own health"
        )
    except (PrefectException, HTTPError) as error:
        get_run_logger().warning("the report was not shown: %s", error)


def publish_choice(settings: Environment, earlier: Earlier, verdict: Verdict, wish: Wish) -> None:
    """Show which release a rollback takes up, what that was decided from, and what else is.

    What cannot be shown is a warning: a server that does not answer keeps nobody from going back.
    """
    number = earlier.chosen.release.number
    try:
        create_markdown_artifact(
            key="rollback",
            markdown=render_choice(earlier, verdict, wish),
            description=f"rollback of {settings.name} to release {number}",
        )
    except (PrefectException, HTTPError) as error:
        get_run_logger().warning("the choice was not shown: %s", error)


def publish_state(host: Host, settings: Environment) -> None:
    """Show what serves now, and the end of the ledger, as the newest version of one artifact.

    A host that cannot be read now is a warning: what this shows was done, and is in the ledger.
    """
    try:
        facts = read(host, settings.application)
        history = read_ledger(facts.ledger).entries[-SHOWN_ENTRIES:]
        markdown = render_state(overview(facts, settings), history)
    except RolloutError as error:
        get_run_logger().warning("the state was not shown: %s", error.true)
        return
    try:
        create_markdown_artifact(
            key=f"state-{settings.name}",
            markdown=markdown,
            description=f"what serves in {settings.name}, and how it came to that",
        )
    except (PrefectException, HTTPError) as error:
        get_run_logger().warning("the state was not shown: %s", error)
    offer_ways_back(host, settings)
