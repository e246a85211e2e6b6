"""What verify judges by: the address, the host, the database, logs and alerts, looked at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from prefect import get_run_logger
from prefect.runtime import task_run

from rollout.decide.alerts import ALERTS
from rollout.decide.standing import is_starting
from rollout.decide.verify import DATABASE, HOST, LOGS
from rollout.errors import (
    AlertsUnavailable,
    CommandFailed,
    ConfigInvalid,
    DatabaseError,
    HostUnreachable,
    OutcomeUnknown,
    RolloutError,
    SourceUnavailable,
)
from rollout.executors.clock import monotonic_s, pause, unix_s
from rollout.executors.outside import look_outside
from rollout.executors.probe import BETWEEN_S, probe
from rollout.model.evidence import Evidence
from tasks.alerts import reading_alerts
from tasks.before import before
from tasks.logs import read_logs
from tasks.migrate import holds_exactly
from tasks.retry import RETRIES
from tasks.target import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.config import Environment
    from rollout.executors.host import Host
    from rollout.model.alert import Alert
    from rollout.model.finding import Verdict
    from rollout.model.host import HostFacts
    from rollout.model.logs import Logs
    from rollout.model.release import Release


def gather_evidence(
    release: Release,
    settings: Environment,
    host: Host,
    database: Verdict | None = None,
    *,
    served: bool = False,
) -> Evidence:
    """Return what is seen of a release; the address is looked at beside the host and database.

    Args:
        release: What shall serve.
        settings: The environment.
        host: Where.
        database: What is known of the database already; None looks at it.
        served: Whether the release was seen serving before this run.

    Raises:
        RolloutError: When a part could not be looked at that a further try of the task may reach;
            what the last try could not is named in what it returns.
    """
    earlier = before(release, settings.name, served=served)
    report = probe(
        settings.verify,
        release,
        settings.application.service,
        before=earlier,
        log=get_run_logger().info,
    )
    missing: list[tuple[str, str]] = []
    with ThreadPoolExecutor(max_workers=2) as beside:
        # Where it does not answer as it should, nobody waits to know how slowly.
        requests = 0 if report.problem else None
        outside = beside.submit(look_outside, settings.verify, requests=requests)
        alerts = reading_alerts(settings, beside)
        database = database or _database(release, settings, missing)
        # What is refused already is not waited for.
        wait_s = 0.0 if report.problem else settings.application.ready_timeout_s
        facts, skew_s = _started(host, settings, missing, wait_s)
        logs = _logs(host, settings, release, facts, missing) if facts else None
        opened = _alerts(alerts, missing)
        seen_outside = outside.result()
    return Evidence(
        report, facts, database, seen_outside, earlier, skew_s, logs, opened, tuple(missing)
    )


def _logs(
    host: Host,
    settings: Environment,
    release: Release,
    facts: HostFacts,
    missing: list[tuple[str, str]],
) -> Logs | None:
    """Return what was logged; that it cannot be read only warns, because all else was seen."""
    try:
        return read_logs(host, settings, release, facts)
    except RolloutError as error:
        missing.append((LOGS, error.true.splitlines()[0]))
        return None


def _alerts(
    read: Callable[[], tuple[Alert, ...] | None], missing: list[tuple[str, str]]
) -> tuple[Alert, ...] | None:
    """Return the alerts; why they cannot be read is noted, and looking goes on."""
    try:
        return read()
    except (AlertsUnavailable, ConfigInvalid) as error:
        missing.append((ALERTS, error.true.splitlines()[0]))
        return None


def _database(
    release: Release, settings: Environment, missing: list[tuple[str, str]]
) -> Verdict | None:
    try:
        return holds_exactly(release.version, settings.name)
    except (DatabaseError, SourceUnavailable) as error:
        _again_or_missing(error, DATABASE, missing)
        return None


def _started(
    host: Host, settings: Environment, missing: list[tuple[str, str]], wait_s: float
) -> tuple[HostFacts | None, float | None]:
    """Return the host's facts and how far its clock is off, once no service is starting any more.

    Those that an activation starts beside the switched one are not waited for before the switch.
    """
    until_s = monotonic_s() + wait_s
    while True:
        began_s = unix_s()
        facts = _facts(host, settings, missing)
        read_at_s = (began_s + unix_s()) / 2
        if facts is None or not is_starting(facts) or monotonic_s() >= until_s:
            break
        pause(BETWEEN_S)
    figures = facts.figures if facts else None
    return facts, figures.clock_s - read_at_s if figures else None


def _facts(host: Host, settings: Environment, missing: list[tuple[str, str]]) -> HostFacts | None:
    try:
        return read(host, settings.application)
    except (HostUnreachable, OutcomeUnknown, CommandFailed) as error:
        _again_or_missing(error, HOST, missing)
        return None


def _again_or_missing(error: RolloutError, part: str, missing: list[tuple[str, str]]) -> None:
    """Let a further try of this task look again; note what the last one could not look at."""
    baking = task_run.task_name == "bake"
    if error.retry_safe and not baking and task_run.run_count <= RETRIES:
        raise error
    missing.append((part, error.true.splitlines()[0]))
