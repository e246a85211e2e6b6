"""verify: is the release seen from outside, at its own version, with everything else well?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from rollout.decide.releases import release_on
from rollout.decide.verify import judge
from rollout.errors import Refused, VerificationFailed
from rollout.executors.files import read_environment
from rollout.executors.probe import probe
from rollout.ledger import read_ledger
from rollout.model.finding import Finding, Refuse
from rollout.model.release import Release
from tasks.lease import holds_lease
from tasks.migrate import holds_exactly
from tasks.record import note, publish_release, publish_state
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.target import reach, read
from tasks.watch import seen

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.host import HostFacts


@task(
    name="verify",
    task_run_name="verify",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def verify_release(release: Release, environment: str) -> str:
    """Return one sentence that says what was seen to serve.

    Raises:
        VerificationFailed: When anything is not as the release says, with all that was seen.
        RolloutError: When something could not be looked at.
    """
    settings = read_environment(environment)
    database = holds_exactly(release.version, environment)
    report = probe(
        settings.verify, release, settings.application.service, log=get_run_logger().info
    )
    with reach(settings) as host:
        facts = read(host, settings.application)
        verdict = judge(report, facts, release, settings.application, settings.verify, database)
        frozen = release_on(facts, release.number) or release
        publish_release(frozen, verdict, settings, seen())
        if isinstance(verdict, Refuse):
            raise _failure(release, verdict)
        if holds_lease():
            note_verified(host, settings, release, facts)
        publish_state(host, settings)
    sentence = f"release {release.number} ({release.version.short}) serves at {settings.verify.url}"
    get_run_logger().info(sentence)
    return sentence


def note_verified(host: Host, settings: Environment, release: Release, facts: HostFacts) -> None:
    """Write into the ledger that a release was seen serving, unless it says so already.

    One whose own run was cut before it could say that it serves is left to the next deploy.
    """
    state = read_ledger(facts.ledger)
    known = state.stage(release.number) == "verified"
    if not known and state.allows("verified", release.number):
        note(host, settings, release, "verified", release.reason)


def _failure(release: Release, verdict: Refuse) -> VerificationFailed:
    told = "; ".join(finding.consequence for finding in verdict.findings)
    return VerificationFailed(
        f"release {release.number} was not seen serving: {told}",
        left=f"Release {release.number} is activated.",
        next_step=" ".join(dict.fromkeys(finding.help for finding in verdict.findings)),
    )


@task(name="read current release", task_run_name="read current release", cache_policy=NO_CACHE)
def current_release(environment: str) -> Release:
    """Return the release that the host calls its current one.

    Raises:
        Refused: When it has none.
    """
    settings = read_environment(environment)
    with reach(settings) as host:
        facts = read(host, settings.application)
    current = release_on(facts, facts.current)
    if current is not None:
        return current
    nothing = Finding(
        "no-release", "the host has no current release", host.address.host, "Deploy a commit first."
    )
    raise Refused("verify", (nothing,))
