"""verify: is the release seen from outside, at its own version, with everything else well?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn, cast

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from rollout.decide.releases import release_on
from rollout.decide.verify import judge
from rollout.errors import (
    Refused,
    RolloutError,
    VerificationFailed,
)
from rollout.executors.baking import judge_repeatedly
from rollout.ledger import read_ledger
from rollout.model.finding import Finding, Go, Inconclusive, Refuse
from rollout.model.release import Release
from rollout.model.sight import Sight
from tasks.ask import Question, ask
from tasks.evidence import gather_evidence
from tasks.lease import holds_lease
from tasks.logs import show_new_errors
from tasks.record import note, publish_release, publish_state
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.target import reach, read, settings_of, tell
from tasks.watch import seen

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.evidence import Evidence
    from rollout.model.finding import Assessment
    from rollout.model.host import HostFacts

# While a release bakes, a healthy one answers at once; this is for a lost packet.
PATIENCE_S = 10.0


def verify_release(release: Release, environment: str, *, served: bool = False) -> str:
    """Return one sentence that says what was seen to serve; for flows.

    In a run that changes the target, evidence that is missing is put before a person, and a release
    that was seen serving bakes for as long as the environment's file says.

    Args:
        release: What shall serve.
        environment: The environment.
        served: Whether it was seen serving before this run: what was so before it only warns then.

    Raises:
        VerificationFailed: When anything is not as the release says, with all that was seen; or
            when nobody could see all of it, and nobody let it go on.
        RolloutError: When something could not be looked at.
    """
    settings = settings_of(environment)
    # Called plainly, a task that returns a state gives its caller that state, not what is in it.
    sight: Sight = look(release, environment, served, return_state=True).result()
    told = _settle(sight, release, settings)
    if settings.verify.bake_s and holds_lease():
        baked: Sight = bake(release, environment, served, return_state=True).result()
        settled = _settle(baked, release, settings)
        told = "; ".join(filter(None, (told, settled or baked.sentence)))
    if told or settings.verify.bake_s:
        _conclude(release, settings)
    return "; ".join(filter(None, (sight.sentence, told)))


@task(
    name="verify",
    task_run_name="verify",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def look(release: Release, environment: str, served: bool = False) -> Sight:  # noqa: FBT001, FBT002 (a task's parameter)
    """Return what was seen of a release; the state is `Inconclusive` when a part could not be.

    Raises:
        VerificationFailed: When anything is not as the release says, with all that was seen.
        RolloutError: When something that a further try may reach could not be looked at.
    """
    settings = settings_of(environment)
    with reach(settings) as host:
        evidence, verdict = _judge_once(release, settings, host, served=served)
        if evidence.facts and not isinstance(verdict, Go) and not holds_lease():
            # Nobody goes on to show what serves; the list of releases to go back to is wanted now.
            publish_state(host, settings)
        _publish(release, verdict, settings, evidence)
        if isinstance(verdict, Inconclusive):
            return _inconclusive(release, verdict)
        if not settings.verify.bake_s:
            _conclude(release, settings, evidence.facts)
    sentence = f"release {release.number} ({release.version.short}) serves at {settings.verify.url}"
    get_run_logger().info(sentence)
    return Sight(sentence)


@task(name="bake", task_run_name="bake", cache_policy=NO_CACHE)
def bake(release: Release, environment: str, served: bool = False) -> Sight:  # noqa: FBT001, FBT002 (a task's parameter)
    """Look at a release again and again for the configured time; the first refusal ends it.

    The one before it stays on the host, ready to be started, as after every activation.

    Raises:
        VerificationFailed: When it is not as it should be any more.
    """
    settings = settings_of(environment)
    impatient = {"timeout_s": min(settings.verify.timeout_s, PATIENCE_S)}
    verify = settings.verify.model_copy(update=impatient)
    settings = settings.model_copy(update={"verify": verify})
    with reach(settings) as host:
        last: list[Evidence] = []

        def judge_once() -> Assessment:
            evidence, verdict = _judge_once(release, settings, host, served=served)
            last[:] = [evidence]
            return verdict

        looks, verdict = judge_repeatedly(judge_once, verify.bake_s, verify.bake_interval_s)
        _publish(release, verdict, settings, last[0])
    if isinstance(verdict, Inconclusive):
        return _inconclusive(release, verdict)
    told = f"it baked for {verify.bake_s:g} s and was looked at {looks} times"
    tell(told)
    return Sight(told)


def judge_host(release: Release, settings: Environment, host: Host) -> None:
    """See to it that a further host of a target serves a release, and say so in its ledger.

    The database and the alerts are the target's; they are looked at with its first host.

    Args:
        release: What shall serve there.
        settings: The environment, as if it were this host.
        host: The host.

    Raises:
        VerificationFailed: When it does not, or not all of it could be seen.
        HostError: When the host was lost: that says nothing about the release.
    """
    limits = settings.verify.limits.model_copy(update={"alerts": "off"})
    verify = settings.verify.model_copy(update={"limits": limits})
    settings = settings.model_copy(update={"verify": verify})
    evidence = gather_evidence(release, settings, host, database=Go())
    facts = evidence.facts or read(host, settings.application)
    verdict = judge(replace(evidence, facts=facts), release, settings.application, verify)
    for finding in verdict.findings:
        get_run_logger().warning("%s: %s", finding.rule, finding.consequence)
    if not isinstance(verdict, Go):
        _fail(release, verdict.findings)
    if holds_lease():
        note_verified(host, settings, release, facts)


def _judge_once(
    release: Release, settings: Environment, host: Host, *, served: bool
) -> tuple[Evidence, Assessment]:
    evidence = gather_evidence(release, settings, host, served=served)
    verdict = judge(evidence, release, settings.application, settings.verify)
    for finding in verdict.findings:
        get_run_logger().warning("%s: %s", finding.rule, finding.consequence)
    return evidence, verdict


def _publish(
    release: Release, verdict: Assessment, settings: Environment, evidence: Evidence
) -> None:
    """Show what was seen.

    Raises:
        VerificationFailed: When it is a refusal.
    """
    facts = evidence.facts
    frozen = (release_on(facts, release.number) if facts else None) or release
    if evidence.logs is not None:
        show_new_errors(settings, frozen, evidence.logs)
    publish_release(frozen, verdict, settings, seen())
    if isinstance(verdict, Refuse):
        _fail(release, verdict.findings)


def _inconclusive(release: Release, verdict: Inconclusive) -> Sight:
    told = tuple(finding.consequence for finding in verdict.findings)
    sentence = f"release {release.number} ({release.version.short}) answers as it should"
    sight = Sight(sentence, told)
    # Prefect takes a state that a task returns as the task's own.
    return cast("Any", Completed(name="Inconclusive", message="; ".join(told), data=sight))


def _settle(sight: Sight, release: Release, settings: Environment) -> str:
    """Return by whom and why a release goes on that could not be looked at in full; else nothing.

    Raises:
        VerificationFailed: When it shall not.
    """
    if not sight.unknown:
        return ""
    unknown = "; ".join(sight.unknown)
    if not holds_lease():
        _fail_unknown(release, unknown)
    goes_on = settings.verify.ask_default == "go"
    question = Question(
        f"{sight.sentence}, but {unknown}: shall it go on serving?",
        f"{sight.sentence}.\n\nBut {unknown}.\n\nShall it go on serving? `refuse` goes back.",
        "it goes on serving" if goes_on else "it is left again, for the release before it",
    )
    answer = ask(question, settings.verify.ask_s, settings.verify.ask_default)
    if answer.verdict == "refuse":
        _fail_unknown(release, f"{unknown}; refused ({answer.told})")
    return f"it goes on although {unknown} ({answer.told})"


def _conclude(release: Release, settings: Environment, facts: HostFacts | None = None) -> None:
    """Write down that a release was verified, and show what serves."""
    with reach(settings) as host:
        try:
            if holds_lease():
                note_verified(host, settings, release, facts or read(host, settings.application))
        except RolloutError as error:
            tell(f"warning: {error}")
        publish_state(host, settings)


def note_verified(host: Host, settings: Environment, release: Release, facts: HostFacts) -> None:
    """Write into the ledger that a release was seen serving, unless it says so already.

    One whose own run was cut before it could say that it serves is left to the next deploy.
    """
    state = read_ledger(facts.ledger)
    known = state.stage(release.number) == "verified"
    if not known and state.allows("verified", release.number):
        note(host, settings, release, "verified", release.reason)


def _fail(release: Release, findings: tuple[Finding, ...]) -> NoReturn:
    told = "; ".join(finding.consequence for finding in findings)
    failed = VerificationFailed(
        f"release {release.number} was not seen serving: {told}",
        left=f"Release {release.number} is activated.",
        next_step=" ".join(dict.fromkeys(finding.help for finding in findings)),
    )
    failed.findings = findings
    raise failed


def _fail_unknown(release: Release, told: str) -> NoReturn:
    raise VerificationFailed(
        f"release {release.number} could not be verified: {told}",
        left=f"Release {release.number} is activated.",
        next_step="See to what is named there. Then run verify again, or deploy the same commit "
        "again where this release was taken back.",
    )


@task(name="read current release", task_run_name="read current release", cache_policy=NO_CACHE)
def current_release(environment: str) -> Release:
    """Return the release that the host calls its current one.

    Raises:
        Refused: When it has none.
    """
    settings = settings_of(environment)
    with reach(settings) as host:
        return demand_current(read(host, settings.application), host)


def demand_current(facts: HostFacts, host: Host) -> Release:
    """Return the release that the host calls its current one.

    Raises:
        Refused: When it has none.
    """
    current = release_on(facts, facts.current)
    if current is not None:
        return current
    nothing = Finding(
        "no-release", "the host has no current release", host.address.host, "Deploy a commit first."
    )
    raise Refused("verify", (nothing,))
