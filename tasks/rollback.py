"""rollback: from what a person asks for to an earlier release that serves."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from rollout.decide.candidates import is_derived, judge_candidates
from rollout.decide.earlier import Earlier, is_drafted, judge_earlier, wants_evidence
from rollout.decide.releases import release_on
from rollout.decide.rollback import choose_release, is_taken_up, judge_choice, left_for
from rollout.errors import RollbackRefused
from rollout.executors.dial import authorities
from rollout.executors.files import read_environment
from rollout.model.activation import Activation, Chosen, Wish
from rollout.model.finding import Refuse
from tasks.activate import activate, activation_plan
from tasks.ahead import facts_ahead, readings
from tasks.app_secrets import (
    demand_recorded,
    demand_same_database,
    earlier_with_its_secrets,
    earlier_with_newest_secrets,
)
from tasks.derived import with_derived
from tasks.earlier import evidence_for
from tasks.lease import assure_lease
from tasks.record import note_left, publish_choice
from tasks.target import reach, read, show

if TYPE_CHECKING:
    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.contract import Contract
    from rollout.model.host import HostFacts, StoredContracts
    from rollout.model.plan import RemoteFile
    from rollout.model.release import Release
    from tasks.ahead import Ahead

_KEPT = "Cached"
"""What Prefect calls the state of a task whose result an earlier try of the run has left."""

# Elsewhere these wait until they are needed. Here that would be within the second in which the
# earlier release shall serve, so they are loaded with the flow, before its run begins. Those of
# Prefect are what its first task loads.
_SLOW = (
    "blocks.app_database",
    "blocks.target_host",
    "grpc._interceptor",
    "grpc._plugin_wrapping",
    "prefect_docker.worker",
    "prefect.task_engine",
    "prefect.utilities.visualization",
    "prefect_redis",
    "rollout.executors.database",
    "rollout.executors.secrets",
)
for _module in _SLOW:
    import_module(_module)
authorities()


def choose(wish: Wish, environment: str) -> Chosen:
    """Return the release that is asked for, once it is known to be fit to serve; for flows.

    Which one that is, and what it is to be left for, is decided once for all tries of a run.
    Whether it may serve is judged in each: hours may lie between them, and another release.

    Args:
        wish: Which one, and what is accepted.
        environment: The environment.

    Raises:
        RollbackRefused: As `choose_earlier`, and as `judge_again` where an earlier try has chosen.
        DatabaseError: When the live schema cannot be read.
    """
    state = choose_earlier(wish, environment, return_state=True)
    chosen: Chosen = state.result()
    if state.name == _KEPT:
        judge_again(chosen, wish, environment)
    return chosen


@task(name="rollback: choose", task_run_name="rollback: choose")
def choose_earlier(wish: Wish, environment: str) -> Chosen:
    """Return the release that is asked for, once the schema is known to let its code serve.

    Its result is kept: a run that was killed and goes on takes up the same release, whatever
    serves by then. That it may is true of this try alone.

    Args:
        wish: Which one, and what is accepted.
        environment: The environment.

    Raises:
        RollbackRefused: When there is no such release, it serves already, it would use another
            database, a version of its secrets was disabled since, or the schema that is there
            breaks its code or may break it; nothing was changed.
        DatabaseError: When the live schema cannot be read.
    """
    settings = read_environment(environment)
    service = settings.application.service
    with readings(settings) as ahead:
        facts = ahead.stored.result().facts
        chosen = choose_release(facts, wish.to, service)
        if isinstance(chosen, Refuse):
            raise RollbackRefused("rollback", chosen.findings)
        _demand_fit(chosen, wish, ahead, settings)
    return Chosen(chosen.number, left_for(facts, chosen.number, service))


@task(name="rollback: judge", task_run_name="rollback: judge", cache_policy=NO_CACHE)
def judge_again(chosen: Chosen, wish: Wish, environment: str) -> None:
    """See to it that what an earlier try has chosen may serve by what is true now.

    Where it serves already there is nothing left to keep it from: a try that was cut after its
    switch goes on to its end, and what would refuse it is a warning.

    Args:
        chosen: Which one, and what it takes the place of.
        wish: What is accepted.
        environment: The environment.

    Raises:
        RollbackRefused: When something else came to serve since, its folder is gone, or it may not
            serve, as `choose_earlier`; this try has changed nothing.
        DatabaseError: When the live schema cannot be read.
    """
    settings = read_environment(environment)
    asked = str(flow_run.id), settings.application.service
    with readings(settings) as ahead:
        facts = ahead.stored.result().facts
        verdict = judge_choice(facts, chosen, *asked)
        if isinstance(verdict, Refuse):
            raise RollbackRefused(f"rollback to release {chosen.number}", verdict.findings)
        try:
            _demand_fit(_there(facts, chosen, settings), wish, ahead, settings)
        except RollbackRefused as refusal:
            if not is_taken_up(facts, chosen, *asked):
                raise
            get_run_logger().warning("it serves already: %s", refusal.true)


def _demand_fit(chosen: Release, wish: Wish, ahead: Ahead, settings: Environment) -> None:
    """See to it that a release may serve by what was read: database, schema and its secrets."""
    demand_same_database(chosen, wish, settings)
    recorded = wish.secrets == "recorded"
    demanded = ahead.submit(demand_recorded, chosen, settings) if recorded else None
    earlier = _known(chosen, ahead.stored.result(), ahead.live.result(), wish, settings)
    if demanded is not None:
        demanded.result()
    verdict = judge_earlier(earlier, wish.accept)
    published = ahead.submit(publish_choice, settings, earlier, verdict, wish)
    if isinstance(verdict, Refuse):
        published.result()
        raise RollbackRefused(f"rollback to release {chosen.number}", verdict.findings)
    for finding in verdict.findings:
        get_run_logger().warning("%s: %s (%s)", finding.rule, finding.consequence, finding.where)


def _known(
    chosen: Release, stored: StoredContracts, live: Contract, wish: Wish, settings: Environment
) -> Earlier:
    """Return a release with how far its code, and every other release's, can live with the schema.

    What it takes to know more, of a release without a contract or before a refusal, is done here.
    """
    stored = with_derived(stored, chosen, settings)
    candidates = judge_candidates(stored, live, settings)
    (candidate,) = (one for one in candidates if one.release.number == chosen.number)
    derived = is_derived(stored, chosen.number)
    earlier = Earlier(
        candidate,
        candidates,
        is_derived=derived,
        is_drafted=is_drafted(settings),
        environment=settings.name,
    )
    if not wants_evidence(earlier, wish.accept):
        return earlier
    return replace(earlier, evidence=evidence_for(chosen, stored, settings))


@task(name="rollback", task_run_name="rollback", cache_policy=NO_CACHE)
def activate_earlier(chosen: Chosen, wish: Wish, environment: str, taken: int = 0) -> Activation:
    """Make an earlier release of the host serve, as a whole: image, files and secrets.

    Args:
        chosen: Which one, and what it takes the place of.
        wish: Why, and with which secrets.
        environment: The environment.
        taken: The highest number that a further host of the target has given; 0 for none.

    Raises:
        RollbackRefused: When its folder is gone.
        SecretUnusable: When any newest secret, or one that the host no longer has a copy of, cannot
            be used.
        CommandFailed: When a step failed; `left` says what serves.
        HostError: When the host was lost; `left` says what is known.
    """
    settings = read_environment(environment)
    with reach(settings) as host:
        facts = facts_ahead()
        if facts is None:
            assure_lease()
            facts = read(host, settings.application)
        release, files = _with_secrets(chosen, wish, host, facts, settings, taken)
        activation = activate(host, facts, _asked(release, wish), files, settings)
        note_left(host, facts, chosen.leaves, activation.release, settings)
        return replace(activation, leaves=chosen.leaves)


@task(name="rollback: plan", task_run_name="rollback: plan", cache_policy=NO_CACHE)
def plan_rollback(chosen: Chosen, wish: Wish, environment: str) -> str:
    """Tell what a rollback would run, and return a sentence about it; nothing is changed.

    Args:
        chosen: Which release.
        wish: Why, and with which secrets.
        environment: The environment.

    Raises:
        RollbackRefused: As `activate_earlier`.
    """
    settings = read_environment(environment)
    with reach(settings) as host:
        facts = read(host, settings.application)
        release, files = _with_secrets(chosen, wish, host, facts, settings)
    plan = activation_plan(facts, release, files, settings)
    show(plan)
    return f"would make release {release.number} ({release.version.short}) serve: {plan.outline()}"


def _with_secrets(
    chosen: Chosen,
    wish: Wish,
    host: Host,
    facts: HostFacts,
    settings: Environment,
    taken: int = 0,
) -> tuple[Release, tuple[RemoteFile, ...]]:
    """Return the release that was chosen, and what the host lacks of it."""
    release = _there(facts, chosen, settings)
    if wish.secrets == "newest":
        return earlier_with_newest_secrets(host, facts, release, settings, wish, taken)
    return release, earlier_with_its_secrets(host, facts, release, settings)


def _there(facts: HostFacts, chosen: Chosen, settings: Environment) -> Release:
    """Return the release that was chosen, whose folder may be gone since an earlier try."""
    release = release_on(facts, chosen.number)
    if release is None:
        gone = choose_release(facts, chosen.number, settings.application.service)
        raise RollbackRefused("rollback", gone.findings if isinstance(gone, Refuse) else ())
    return release


def _asked(release: Release, wish: Wish) -> Release:
    """Return a release as the ledger's lines of this run tell it: who asked, why, in which run.

    What lies in its folder stays what it was.
    """
    return replace(release, actor=wish.actor, reason=wish.reason, run_id=str(flow_run.id))
