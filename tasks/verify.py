"""verify: is the release seen from outside, at its own version, with everything else well?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from rollout.decide.releases import release_on
from rollout.decide.verify import judge
from rollout.errors import Refused, VerificationFailed
from rollout.executors.clock import unix_s
from rollout.executors.files import read_environment
from rollout.executors.outside import look_outside
from rollout.executors.probe import probe
from rollout.ledger import read_ledger
from rollout.model.evidence import Evidence
from rollout.model.finding import Finding, Go
from rollout.model.release import Release
from tasks.before import before
from tasks.lease import holds_lease
from tasks.migrate import holds_exactly
from tasks.record import note, publish_release, publish_state
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.target import reach, read
from tasks.watch import seen

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.finding import Assessment
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
    with reach(settings) as host:
        evidence = _look(release, settings, host)
        verdict = judge(evidence, release, settings.application, settings.verify)
        facts = evidence.facts
        frozen = (release_on(facts, release.number) if facts else None) or release
        publish_release(frozen, verdict, settings, seen())
        for finding in verdict.findings:
            get_run_logger().warning("%s: %s", finding.rule, finding.consequence)
        if facts is None or not isinstance(verdict, Go):
            raise _failure(release, verdict)
        if holds_lease():
            note_verified(host, settings, release, facts)
        publish_state(host, settings)
    sentence = f"release {release.number} ({release.version.short}) serves at {settings.verify.url}"
    get_run_logger().info(sentence)
    return sentence


def _look(release: Release, settings: Environment, host: Host) -> Evidence:
    """Return what is seen of a release; the address is looked at beside the host and database."""
    earlier = before(release, settings.name)
    report = probe(
        settings.verify,
        release,
        settings.application.service,
        before=earlier,
        log=get_run_logger().info,
    )
    with ThreadPoolExecutor(max_workers=1) as beside:
        outside = beside.submit(look_outside, settings.verify)
        database = holds_exactly(release.version, settings.name)
        began_s = unix_s()
        facts = read(host, settings.application)
        read_at_s = (began_s + unix_s()) / 2
        skew_s = facts.figures.clock_s - read_at_s if facts.figures else None
        return Evidence(report, facts, database, outside.result(), earlier, skew_s)


def note_verified(host: Host, settings: Environment, release: Release, facts: HostFacts) -> None:
    """Write into the ledger that a release was seen serving, unless it says so already.

    One whose own run was cut before it could say that it serves is left to the next deploy.
    """
    state = read_ledger(facts.ledger)
    known = state.stage(release.number) == "verified"
    if not known and state.allows("verified", release.number):
        note(host, settings, release, "verified", release.reason)


def _failure(release: Release, verdict: Assessment) -> VerificationFailed:
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
