"""Gathers what a host's ledger and its folders say of an environment's releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.decide.releases import releases_on, serving_release
from rollout.ledger import read_ledger
from rollout.model.overview import Overview, ReleaseLine

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.ledger import Entry, LedgerState
    from rollout.model.host import HostFacts
    from rollout.model.release import Release


def overview(facts: HostFacts, settings: Environment) -> Overview:
    """Return the environment's releases as the host knows them; none on a bare host.

    Args:
        facts: What was read of the host.
        settings: The environment.

    Raises:
        LedgerCorrupt: When the host's history cannot be trusted.
    """
    state = read_ledger(facts.ledger)
    there = {release.number: release for release in releases_on(facts)}
    last = {one.release: one for one in state.entries}
    return Overview(
        environment=settings.name,
        live=serving_release(facts, settings.application.service),
        current=state.current,
        previous_good=state.previous_good,
        since=_since(state),
        releases=tuple(
            _line(last[number], there.get(number)) for number in sorted(last, reverse=True)
        ),
    )


def _since(state: LedgerState) -> str:
    activated = (one for one in reversed(state.entries) if one.event == "activated")
    return next((one.at for one in activated), "")


def _line(last: Entry, release: Release | None) -> ReleaseLine:
    return ReleaseLine(
        number=last.release,
        version=last.version,
        image=last.digest,
        stage=last.event,
        at=last.at,
        actor=last.actor,
        reason=last.reason,
        run_id=last.run_id,
        migrations=None if release is None else len(release.migrations),
        on_host=release is not None,
    )
