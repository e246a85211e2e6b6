"""The contract of a release from before contracts were kept: derived once, then kept with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prefect import get_run_logger

from blocks import load_app_database
from rollout.commands.contracts import keep_derived_command
from rollout.decide.candidates import contract_of
from rollout.decide.derived import NO_SCRATCH, OWN_COMMAND, why_not_replayed
from rollout.errors import RolloutError
from rollout.executors import git
from rollout.migrations.contract_json import render_contract
from rollout.migrations.journal import parse
from rollout.model.finding import Finding
from rollout.model.layout import Layout
from tasks.lease import holds_lease
from tasks.source import at
from tasks.target import reach, tell

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.model.host import StoredContracts
    from rollout.model.release import Release


def with_derived(
    stored: StoredContracts, release: Release, settings: Environment
) -> StoredContracts:
    """Return what is stored, with a contract derived for a release that has none.

    Its migrations are replayed on a scratch database, and the contract is kept on the host, so that
    it is there the next time; a run without the target's lease changes nothing there. Why it failed
    stands in what is returned too: the release is refused then as it was before.

    Args:
        stored: What was read of the host.
        release: The release that is to serve again.
        settings: The environment.
    """
    found = contract_of(stored, release.number)
    if not (isinstance(found, Finding) and found.rule == "no-contract"):
        if release.number in stored.derived:
            tell(f"the contract of release {release.number} was derived from its migrations")
        return stored
    try:
        text, why = _derive(release, settings)
    except RolloutError as error:
        text, why = "", error.true
    if why:
        get_run_logger().warning("no contract of release %s: %s", release.number, why)
        return replace(stored, underived={**stored.underived, release.number: why})
    tell(f"the contract of release {release.number} is derived from its migrations")
    if holds_lease():
        _keep(settings, release.number, text)
    return replace(stored, derived={**stored.derived, release.number: text})


def _derive(release: Release, settings: Environment) -> tuple[str, str]:
    """Return the text of the contract, or else why there is none."""
    server = settings.blocks.scratch_database
    if server is None:
        return "", NO_SCRATCH
    if settings.migrations.by == "command":
        return "", OWN_COMMAND
    source = at(release.version.sha, settings.name, purpose="migrate", demanded=False)
    journal = parse(git.read_folder(source, settings.migrations.folder))
    why = why_not_replayed(release, journal)
    if why:
        return "", why
    from rollout.executors.derived import derive_contract  # noqa: PLC0415 - import cost, as in blocks

    live = load_app_database(settings.blocks.app_database).address()
    scratch = load_app_database(server).address()
    contract = derive_contract(journal.migrations, live, scratch, settings.migrations, tell)
    return render_contract(contract), ""


def _keep(settings: Environment, number: int, text: str) -> None:
    """Keep a derived contract with its release; that it cannot be kept is a warning."""
    command = keep_derived_command(Layout(settings.application.directory), number, text)
    try:
        with reach(settings) as host:
            host.check(
                command, "a derived contract could not be kept", next_step="Look at its disk."
            )
    except RolloutError as error:
        tell(f"warning: {error}")
