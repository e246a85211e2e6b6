"""drift: is the environment still what its releases say? Everything is only read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.variables import Variable

from blocks import load_artifact_registry, load_gcp_project
from rollout.decide.outside import address_checks
from rollout.decide.scope import decide_scope
from rollout.decide.strayed import (
    decide_drift,
    engine_check,
    further_checks,
    host_checks,
    on_host,
    rows_ahead,
    schema_checks,
    schema_release,
    secret_checks,
    tag_checks,
    tags_of,
    to_remember,
    unseen,
)
from rollout.errors import RolloutError
from rollout.executors.files import read_environment
from rollout.executors.outside import look_outside
from rollout.executors.registry import Registry
from rollout.executors.secrets import LATEST
from rollout.migrations.contract_json import parse_contract
from rollout.model.drift import Drift, Remembered, Unlooked
from rollout.render.report import check_rows
from tasks.deployed import is_at_work, read_deployed, told_nothing_deployed
from tasks.on_host import at_further
from tasks.ready import connected_database
from tasks.retry import RETRIES, RETRY_DELAY_S, when_safe
from tasks.schema import read_stored
from tasks.target import keep, reach, read, read_machine
from tasks.verify import demand_current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.finding import Check
    from rollout.model.host import HostFacts
    from rollout.model.release import Release


@task(
    name="drift",
    task_run_name="drift",
    cache_policy=NO_CACHE,
    retries=RETRIES,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=when_safe,
)
def look_for_drift(environment: str) -> Drift | Unlooked:
    """Return what differs from what the releases say.

    Nothing is looked at while a run changes the target, and before the first release.

    What differs is remembered on Prefect's server, so that the next look knows what was told. A
    server that forgot it leads to one notification more.

    Raises:
        Refused: When the host has had a release, and has no current one.
        RolloutError: When the host cannot be read.
    """
    settings = read_environment(environment)
    with reach(settings) as host, keep(host):
        if is_at_work(host, settings):
            return Unlooked("Skipped", "a run is changing the target; look again later")
        facts = read_deployed(host, settings)
        if facts is None:
            return Unlooked("NothingDeployed", told_nothing_deployed(environment))
        release = demand_current(facts, host)
        remembered, engine = _remembered(environment), _engine(host, settings)
        checks = (
            engine_check(engine, remembered.engine),
            *host_checks(facts, release, settings.application.service),
            *_part("schema", lambda: _schema(host, settings, facts)),
            *_part("secrets", lambda: _secrets(settings, release)),
            *_part("tags in the registry", lambda: _tags(settings, facts)),
            *_address(settings),
        )
        for block in settings.hosts.further:
            checks += _part(f"host {block}", partial(_further, block, settings, release, engine))
    drift = decide_drift(checks, release.number, remembered)
    _publish(drift, environment)
    _remember(environment, to_remember(drift, engine))
    return drift


def _part(name: str, look: Callable[[], Iterable[Check]]) -> tuple[Check, ...]:
    """Return what one look shows; that it cannot be looked at is a difference too."""
    try:
        return tuple(look())
    except RolloutError as error:
        get_run_logger().warning("%s: %s", name, error.true)
        return (unseen(name, error),)


def _engine(host: Host, settings: Environment) -> str:
    return read_machine(host, settings.application).engine


def _further(block: str, settings: Environment, release: Release, engine: str) -> Iterable[Check]:
    """Return whether a further host is what its release made of it, and has the first one's."""
    with at_further(block) as host:
        facts, own_engine = read(host, settings.application), _engine(host, settings)
        own = demand_current(facts, host)
    return (
        *further_checks(block, facts, own, release, settings.application.service),
        on_host(block, engine_check(own_engine, engine)),
    )


def _schema(host: Host, settings: Environment, facts: HostFacts) -> tuple[Check, ...]:
    expected = schema_release(facts)
    text = read_stored(host, settings).texts.get(expected.number) if expected else None
    if expected is None or text is None:
        return ()
    with connected_database(settings) as database:
        live = database.contract(decide_scope(settings.migrations, database.user))
        applied = database.held(settings.migrations)
        begun = database.begun(applied)
    ahead = rows_ahead(applied, expected)
    return schema_checks(live, parse_contract(text), expected.number, ahead, begun)


def _secrets(settings: Environment, release: Release) -> Iterable[Check]:
    store = load_gcp_project(settings.blocks.gcp_project).secret_store()
    return secret_checks(store.look_at(dict.fromkeys(settings.secrets.values(), LATEST)), release)


def _tags(settings: Environment, facts: HostFacts) -> Iterable[Check]:
    registry = Registry(load_artifact_registry(settings.blocks.artifact_registry).login())
    image, tags = settings.build.image, tags_of(facts)
    found = {tag: registry.digest(image, tag) for tag in tags}
    label = settings.build.label
    return tag_checks(tags, found, registry.digest(image, label), facts.ledger, label)


def _address(settings: Environment) -> tuple[Check, ...]:
    seen = look_outside(settings.verify, requests=0)
    checks = address_checks(seen, None, settings.verify.limits)
    return tuple(one for one in checks if one.name.startswith("certificate"))


def _publish(drift: Drift, environment: str) -> None:
    create_table_artifact(
        key=f"drift-{environment}",
        table=check_rows(drift.checks),
        description=f"{environment} against release {drift.release}: {len(drift.new)} new "
        f"differences, {len(drift.known)} known ones",
    )


def _remembered(environment: str) -> Remembered:
    kept: dict[str, Any] = cast("Any", Variable.get(_variable(environment), default={}))
    return Remembered(kept.get("engine", ""), frozenset(kept.get("told", ())))


def _remember(environment: str, remembered: Remembered) -> None:
    value: Any = {"engine": remembered.engine, "told": sorted(remembered.told)}
    Variable.set(_variable(environment), value, tags=[environment], overwrite=True)


def _variable(environment: str) -> str:
    return f"drift_{environment.replace('-', '_')}"
