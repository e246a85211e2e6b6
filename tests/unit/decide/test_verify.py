"""Whether what was seen is the release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rollout.config import Verify
from rollout.decide.alerts import ALERTS
from rollout.decide.verify import LOGS, judge
from rollout.ledger import Entry, render_entry
from rollout.limits import Limits
from rollout.model.alert import Alert
from rollout.model.evidence import Evidence
from rollout.model.finding import Finding, Go, Inconclusive, Refuse
from rollout.model.host import Container, HostFacts
from rollout.model.logs import Logs, LogWindow
from rollout.model.probe import ProbeReport
from rollout.render.compose import render_compose
from tests.support.values import APPLICATION, COMPOSE, release

VERIFY = Verify(url="https://trovella.ai/api/health")
RELEASE = release(12, "a")
SEEN = ProbeReport(VERIFY.url, 3, 200, "healthy", "a" * 40, "web-r12", "", 0.5)
UNNAMED = replace(SEEN, version="")
HOST = HostFacts(
    live="web-r12",
    current=12,
    compose=render_compose(COMPOSE, APPLICATION, RELEASE),
    containers=(
        Container("w", "web-r12", "running", "healthy", RELEASE.image.reference),
        *(
            Container(name, name, "running")
            for name in ("caddy", "cloud-sql-proxy", "typesense", "inngest")
        ),
    ),
)


def without(facts: HostFacts, service: str, *instead: Container) -> HostFacts:
    kept = tuple(one for one in facts.containers if one.service != service)
    return replace(facts, containers=(*kept, *instead))


def test_everything_as_it_should_be():
    verdict = judge(Evidence(SEEN, HOST, Go()), RELEASE, APPLICATION, VERIFY)

    assert isinstance(verdict, Go)
    assert [(check.name, check.expected) for check in verdict.checks] == [
        ("health from outside", "healthy"),
        ("version from outside", "a" * 40),
        ("live release on the host", "web-r12"),
        ("current release on the host", "12"),
        ("image of its container", RELEASE.image.reference),
        ("restarts since the activation", "none"),
        ("killed for want of memory", "none"),
        ("migrations in the database", "all 0 of the release"),
        ("container caddy", "running"),
        ("container web-r12", "running, healthy"),
        ("container cloud-sql-proxy", "running"),
        ("container typesense", "running"),
        ("container inngest", "running"),
    ]


def test_a_body_without_a_version_is_known_by_the_proxys_header():
    verdict = judge(Evidence(UNNAMED, HOST, Go()), RELEASE, APPLICATION, VERIFY)

    assert isinstance(verdict, Go)
    assert verdict.checks[1].name == "release from outside, by the proxy's header"


NO_ANSWER = ProbeReport(VERIFY.url, 9, problem="ConnectError: refused")


@pytest.mark.parametrize(
    ("report", "facts", "wrong"),
    [
        pytest.param(
            replace(SEEN, status="degraded"),
            HOST,
            ["health from outside: expected healthy, seen degraded (HTTP 200)"],
            id="a degraded application answers 200",
        ),
        pytest.param(
            replace(SEEN, version="b" * 40),
            HOST,
            [f"version from outside: expected {'a' * 40}, seen {'b' * 40}"],
            id="another version answers",
        ),
        pytest.param(
            replace(UNNAMED, upstream="web-r11"),
            HOST,
            ["release from outside, by the proxy's header: expected web-r12, seen web-r11"],
            id="another release answers, which names no version",
        ),
        pytest.param(
            NO_ANSWER,
            HOST,
            [
                "health from outside: expected healthy, seen ConnectError: refused",
                "release from outside, by the proxy's header: expected web-r12, seen nothing",
            ],
            id="nothing answers",
        ),
        pytest.param(
            SEEN,
            replace(HOST, live="web-r11", current=11),
            [
                "live release on the host: expected web-r12, seen web-r11",
                "current release on the host: expected 12, seen 11",
            ],
            id="the host says that another one is live",
        ),
        pytest.param(
            SEEN,
            without(HOST, "web-r12"),
            [
                f"image of its container: expected {RELEASE.image.reference}, seen nothing",
                "container web-r12: expected running, healthy, seen nothing",
            ],
            id="its container is gone",
        ),
        pytest.param(
            SEEN,
            without(HOST, "typesense", Container("t", "typesense", "exited")),
            ["container typesense: expected running, seen exited (0)"],
            id="another container stopped",
        ),
        pytest.param(
            SEEN,
            without(
                HOST,
                "web-r12",
                Container("w", "web-r12", "running", "unhealthy", RELEASE.image.reference),
            ),
            ["container web-r12: expected running, healthy, seen running, unhealthy"],
            id="its container is unhealthy",
        ),
    ],
)
def test_what_is_not_the_release(report: ProbeReport, facts: HostFacts, wrong: list[str]):
    verdict = judge(Evidence(report, facts, Go()), RELEASE, APPLICATION, VERIFY)

    assert isinstance(verdict, Refuse)
    assert [finding.consequence for finding in verdict.findings] == wrong


JOB = """\
  seed:
    image: seed
  fill:
    image: fill
    depends_on:
      seed: {condition: service_completed_successfully}
"""
WITH_JOB = replace(
    HOST,
    compose=render_compose(
        COMPOSE.replace("\n  web:\n", f"\n{JOB}\n  web:\n"), APPLICATION, RELEASE
    ),
    containers=(*HOST.containers, Container("f", "fill", "running")),
)


def test_a_job_has_ended_well():
    ended = replace(WITH_JOB, containers=(*WITH_JOB.containers, Container("s", "seed", "exited")))

    assert isinstance(judge(Evidence(SEEN, ended, Go()), RELEASE, APPLICATION, VERIFY), Go)


@pytest.mark.parametrize(
    ("containers", "seen"),
    [
        ((), "nothing"),
        ((Container("s", "seed", "exited", exit_code=3),), "exited (3)"),
        ((Container("s", "seed", "running"),), "running (0)"),
    ],
)
def test_a_job_that_has_not_done_its_work(containers: tuple[Container, ...], seen: str):
    facts = replace(WITH_JOB, containers=(*WITH_JOB.containers, *containers))

    verdict = judge(Evidence(SEEN, facts, Go()), RELEASE, APPLICATION, VERIFY)

    assert isinstance(verdict, Refuse)
    assert [finding.consequence for finding in verdict.findings] == [
        f"container seed: expected exited (0), seen {seen}"
    ]


def test_a_database_without_a_migration_is_not_the_release():
    missing = Refuse((Finding("applied", "is missing", "0002_notes", "Apply it."),))
    expecting = replace(RELEASE, migrations=("0001_start", "0002_notes"))

    verdict = judge(Evidence(SEEN, HOST, missing), expecting, APPLICATION, VERIFY)

    assert isinstance(verdict, Refuse)
    assert [finding.consequence for finding in verdict.findings] == [
        "migrations in the database: expected all 2 of the release, seen without 0002_notes"
    ]


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        pytest.param(
            Evidence(SEEN, None, Go(), missing=(("the host", "no SSH session came about"),)),
            ["the host could not be looked at: no SSH session came about"],
            id="the host is not reached, and the address answers",
        ),
        pytest.param(
            Evidence(SEEN, HOST, None),
            ["migrations in the database could not be looked at"],
            id="the database is not reached",
        ),
    ],
)
def test_without_a_part_of_the_evidence_nobody_knows(evidence: Evidence, told: list[str]):
    verdict = judge(evidence, RELEASE, APPLICATION, VERIFY)

    assert isinstance(verdict, Inconclusive)
    assert [finding.consequence for finding in verdict.findings] == told


def test_what_is_seen_to_be_wrong_refuses_whatever_else_is_missing():
    verdict = judge(Evidence(NO_ANSWER, None, None), RELEASE, APPLICATION, VERIFY)

    assert isinstance(verdict, Refuse)
    assert {finding.rule for finding in verdict.findings} == {
        "health-from-outside",
        "release-from-outside,-by-the-proxy's-header",
    }


def test_errors_that_came_with_the_release_refuse():
    noise = "\n".join(['{"level":50,"msg":"boom"}'] * 40)
    logs = Logs(60.0, (LogWindow("web", noise),), (LogWindow("web", ""),))

    verdict = judge(Evidence(SEEN, HOST, Go(), logs=logs), RELEASE, APPLICATION, VERIFY)

    assert isinstance(verdict, Refuse)
    assert [finding.consequence for finding in verdict.findings] == [
        "errors in the log of web: expected at most 30 a minute more than before, "
        "seen 40.0 a minute, 0.0 before"
    ]
    assert "new-errors" in verdict.findings[0].help


def test_logs_that_could_not_be_read_are_told_and_stop_nothing():
    evidence = Evidence(SEEN, HOST, Go(), missing=((LOGS, "docker did not answer"),))

    verdict = judge(evidence, RELEASE, APPLICATION, VERIFY)

    assert isinstance(verdict, Go)
    assert [finding.consequence for finding in verdict.findings] == [
        "logs since the activation could not be looked at: docker did not answer"
    ]


def line(event: str, at: str) -> str:
    entry = Entry(12, event, RELEASE.version.sha, RELEASE.image.digest)  # pyright: ignore[reportArgumentType]
    return f'{{"at": "{at}", {render_entry(entry)[1:]}\n'


ACTIVATED = line("prepared", "2026-11-25T12:59:00Z") + line("activated", "2026-11-25T13:00:00Z")
OPENED = (Alert("Uptime", "2026-11-25T13:00:40Z"),)
OPEN = "alerts since the activation: expected none open, seen open: Uptime"
UNREAD = "alerts since the activation could not be looked at: HTTP 403"


@pytest.mark.parametrize(
    ("alerts", "policy", "kind", "told"),
    [
        (OPENED, "refuse", Refuse, [OPEN]),
        (OPENED, "inconclusive", Inconclusive, [OPEN]),
        (OPENED, "warn", Go, [OPEN]),
        (None, "refuse", Inconclusive, [UNREAD]),
        (None, "inconclusive", Inconclusive, [UNREAD]),
        (None, "warn", Go, [UNREAD]),
        (None, "off", Go, []),
        ((), "refuse", Go, []),
    ],
)
def test_the_file_says_what_an_alert_leads_to_and_silence_is_no_alert(
    alerts: tuple[Alert, ...] | None, policy: str, kind: type, told: list[str]
):
    limits = Limits(alerts=policy)  # pyright: ignore[reportArgumentType]
    evidence = Evidence(SEEN, replace(HOST, ledger=ACTIVATED), Go(), alerts=alerts)
    if alerts is None and policy != "off":
        evidence = replace(evidence, missing=((ALERTS, "HTTP 403"),))

    verdict = judge(evidence, RELEASE, APPLICATION, VERIFY.model_copy(update={"limits": limits}))

    assert isinstance(verdict, kind)
    assert [finding.consequence for finding in verdict.findings] == told
