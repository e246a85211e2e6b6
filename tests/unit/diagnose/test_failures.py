"""The known failures: each has one name everywhere, and is told from what it is recognised by."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rollout.commands import compose, host, lease, machine, release
from rollout.decide.outside import address_checks
from rollout.decide.quality import CheckResult, quality_failure
from rollout.decide.verify import DATABASE
from rollout.diagnose import failures
from rollout.diagnose.collect import evidence_of
from rollout.diagnose.failures import FAILURES, migrations_missing
from rollout.diagnose.match import diagnose, masked, without_lines_of, without_logs
from rollout.errors import BuildFailed
from rollout.limits import Limits
from rollout.model.around import Around, Cloud, Code
from rollout.model.diagnosis import Diagnosis, Retry
from rollout.model.finding import Finding
from rollout.model.layout import Layout
from rollout.model.lease import Claim
from rollout.model.outside import Outside, Tls
from rollout.model.seen import (
    CheckSeen,
    ComposeCheck,
    ContainerSeen,
    Evidence,
    HealthCheckSeen,
    HostSeen,
    OutsideSeen,
    Room,
    RouteSeen,
)
from rollout.render.diagnosis import render_diagnosis, render_evidence
from tests.support.values import release as release_of

ROOT = Path(__file__).parents[3]
FILES = Path(failures.__file__).parent
RUNS = HostSeen(engine="26.1.5", architecture="amd64")
REACHED = RouteSeen("trovella.ai", 443, ("10.0.0.2",))
URL = "https://trovella.ai/api/health"


def test_a_failure_has_one_name_in_its_file_its_code_and_its_page():
    files = sorted(path.stem for path in FILES.glob("*.py") if path.stem != "__init__")
    headings = re.findall(r"^## (\S+)$", (ROOT / "docs/failures.md").read_text(), re.MULTILINE)
    codes = sorted(one.code for one in FAILURES)

    assert codes == sorted(name.replace("_", "-") for name in files)
    assert codes == headings


def test_verify_calls_missing_migrations_as_the_failure_does():
    assert DATABASE.replace(" ", "-") == migrations_missing.RULE


def test_no_two_scripts_reserve_the_same_exit_status():
    modules = (compose, host, lease, machine, release)
    names = [
        (name, number)
        for module in modules
        for name, number in vars(module).items()
        if name.isupper() and isinstance(number, int) and 70 <= number < 100
    ]

    assert len({number for _, number in names}) == len(names)


def outside(**more: Any) -> OutsideSeen:
    return OutsideSeen(URL, **{"route": REACHED, **more})


def container(**more: Any) -> ContainerSeen:
    usual: dict[str, Any] = {"status": "running", "built_for": "amd64", "runs_on": "amd64"}
    return ContainerSeen(service="web-r3", **{**usual, **more})


def check(name: str, latency_ms: float) -> OutsideSeen:
    return outside(http_status=200, checks=(HealthCheckSeen(name, False, latency_ms),))


CASES: dict[str, tuple[Evidence, str]] = {
    "clock-off": (
        Evidence(host=HostSeen(engine="26", clock_ahead_s=-3600.4)),
        "the host's clock is -3600 s off the worker's",
    ),
    "host-unreachable": (
        Evidence(kinds=("HostUnreachable",), route=RouteSeen("vm", 22, failure="EAI_NONAME")),
        "vm: EAI_NONAME",
    ),
    "tunnel-failed": (
        Evidence(kinds=("TunnelFailed", "HostUnreachable"), true="ERROR: [4003: 'no backend']"),
        "[4003: 'no backend']",
    ),
    "host-key-changed": (Evidence(kinds=("HostKeyChanged",), true="shows the key b"), "the key b"),
    "database-proxy-refused": (
        Evidence(kinds=("DatabaseProxyRefused",), true="x\n  googleapi: Error 403: no"),
        "googleapi: Error 403: no",
    ),
    "host-key-unknown": (
        Evidence(kinds=("HostKeyUnknown",), http_status=403, true="HTTP 403: not allowed"),
        "HTTP 403",
    ),
    "host-login-refused": (Evidence(kinds=("HostLoginRefused",), true="no key"), "no key"),
    "connection-cut": (Evidence(kinds=("OutcomeUnknown",), true="was cut"), "was cut"),
    "host-not-prepared": (Evidence(reserved=host.NOT_PREPARED), "there is no /opt/trovella"),
    "schema-ahead": (
        Evidence(phase="deploy-prod", host=HostSeen(engine="26", schema_ahead=("0003_a",))),
        "0003_a",
    ),
    "other-version": (
        Evidence(reserved=compose.OTHER_VERSION, stdout=("it says c0ffee",)),
        "it says c0ffee",
    ),
    "engine-down": (Evidence(host=HostSeen()), "docker version: no answer"),
    "disk-full": (
        Evidence(host=HostSeen(engine="26", rooms=(Room("/opt/trovella", 4096),))),
        "/opt/trovella: 4096 bytes free",
    ),
    "upload-failed": (
        Evidence(
            words=("sh", "-euc", host._UPLOAD), exit_code=72, reserved=72, stderr=("tar: bad",)
        ),
        "tar: bad",
    ),
    "ledger-damaged": (
        Evidence(kinds=("LedgerCorrupt", "HostError"), true="ledger.jsonl, line 3: is no JSON"),
        "line 3",
    ),
    "lease-lost": (Evidence(kinds=("LeaseLost", "HostError"), true="ann took it"), "ann took it"),
    "hosts-behind": (
        Evidence(kinds=("HostsBehind", "HostError"), true="not on b"),
        "not on b",
    ),
    "target-held": (Evidence(kinds=("LeaseHeld", "HostError"), true="held by ann"), "ann"),
    "registry-login-refused": (
        Evidence(reserved=compose.LOGIN_REFUSED, stderr=("unauthorized",)),
        "unauthorized",
    ),
    "image-not-found": (
        Evidence(reserved=compose.PULL_FAILED, http_status=404, stderr=("manifest unknown",)),
        "HTTP 404; manifest unknown",
    ),
    "architecture-mismatch": (
        Evidence(
            reserved=compose.STOPPED,
            container=container(built_for="arm64", lines=("exec format error",)),
        ),
        "exec format error",
    ),
    "port-taken": (
        Evidence(
            words=("docker", "compose", "up", "--detach", "caddy"),
            host=HostSeen(engine="26", listeners=((80, "nginx"),)),
        ),
        "port 80: nginx",
    ),
    "environment-variable-missing": (
        Evidence(host=HostSeen(engine="26", compose=ComposeCheck("f", 1, 0, ("X is missing",)))),
        "X is missing",
    ),
    "compose-invalid": (
        Evidence(host=HostSeen(engine="26", compose=ComposeCheck("f", 1, 1, ("services.web",)))),
        "services.web",
    ),
    "caddyfile-invalid": (
        Evidence(
            words=("caddy", "validate", "--config", "x"), exit_code=1, stderr=("Error: adapting",)
        ),
        "Error: adapting",
    ),
    "out-of-memory": (
        Evidence(reserved=compose.STOPPED, container=container(oom_killed=True, exit_code=137)),
        "OOMKilled, exit status 137",
    ),
    "container-exits-at-start": (
        Evidence(
            reserved=compose.STOPPED,
            container=container(status="exited", exit_code=3, lines=("no such module",)),
        ),
        "no such module",
    ),
    "wrong-port": (
        Evidence(reserved=compose.NOT_READY_IN_TIME, container=container(listens=(3001,))),
        "listens: 3001",
    ),
    "health-redirects": (
        Evidence(
            reserved=compose.UNHEALTHY,
            container=container(listens=(3000,), http_status=301, location="https://x/"),
        ),
        "HTTP 301, location: https://x/",
    ),
    "never-healthy": (
        Evidence(
            reserved=compose.UNHEALTHY,
            container=container(listens=(3000,), http_status=500, health_output="fetch failed"),
        ),
        "fetch failed",
    ),
    "address-silent": (
        Evidence(outside=outside(route=RouteSeen("10.77.0.6", 80, ("10.77.0.6",), "ETIMEDOUT"))),
        "10.77.0.6, port 80: ETIMEDOUT",
    ),
    "dns-wrong": (
        Evidence(outside=outside(route=RouteSeen("trovella.ai", 443, failure="EAI_NONAME"))),
        "trovella.ai: EAI_NONAME",
    ),
    "certificate-expired": (
        Evidence(outside=outside(certificate_code=10, certificate_words="has expired")),
        "has expired (code 10)",
    ),
    "certificate-not-trusted": (
        Evidence(outside=outside(certificate_code=62, certificate_words="mismatch")),
        "mismatch (code 62)",
    ),
    "redis-down": (Evidence(outside=check("redis", 5002)), "redis: ok false after 5002 ms"),
    "typesense-down": (Evidence(outside=check("typesense", 4)), "typesense: ok false after 4 ms"),
    "database-down-for-application": (Evidence(outside=check("database", 4)), "database: ok false"),
    "migrations-missing": (
        Evidence(
            kinds=("VerificationFailed",),
            findings=(Finding("migrations-in-the-database", "seen without 0003_a", "h", "Do."),),
        ),
        "seen without 0003_a",
    ),
    "database-login-refused": (Evidence(sqlstate="28P01", true="no"), "SQLSTATE 28P01: no"),
    "database-too-many-connections": (Evidence(sqlstate="53300"), "SQLSTATE 53300"),
    "database-not-accepting": (Evidence(sqlstate="57P03"), "SQLSTATE 57P03"),
    "database-unreachable": (
        Evidence(kinds=("DatabaseUnreachable",), true="the proxy\n  oauth2: expired"),
        "oauth2: expired",
    ),
    "database-locked": (Evidence(kinds=("DatabaseLocked",), sqlstate="55P03"), "SQLSTATE 55P03"),
    "already-migrating": (Evidence(kinds=("AlreadyMigrating",), true="process 7"), "process 7"),
    "migration-failed": (
        Evidence(
            kinds=("MigrationFailed",), sqlstate="42P01", true="0001_a.sql", next_step="Correct it."
        ),
        "SQLSTATE 42P01: 0001_a.sql",
    ),
    "check-failed": (
        Evidence(checks=(CheckSeen("lint", "failed", ("x.js:3 unused", "ended with 1")),)),
        "lint: x.js:3 unused",
    ),
    "build-argument-missing": (
        Evidence(stage="build", missing_arguments=("TOKEN",), stderr=("exit code: 1",)),
        "exit code: 1",
    ),
    "build-failed": (Evidence(stage="build", stderr=("unknown instruction",)), "unknown instr"),
    "push-failed": (Evidence(stage="push", stderr=("denied",)), "denied"),
    "worker-engine-down": (Evidence(kinds=("EngineError",), true="no socket"), "no socket"),
    "registry-unavailable": (
        Evidence(kinds=("RegistryError",), http_status=503, true="it fails"),
        "HTTP 503: it fails",
    ),
    "github-token-refused": (
        Evidence(kinds=("GitHubRefused",), http_status=401, true="Bad credentials"),
        "HTTP 401: Bad credentials",
    ),
    "github-repository-not-found": (
        Evidence(kinds=("GitHubRefused",), http_status=404, true="Not Found"),
        "HTTP 404: Not Found",
    ),
    "github-rate-limit": (
        Evidence(kinds=("GitHubUnavailable",), http_status=429, true="too often"),
        "HTTP 429: too often",
    ),
    "github-unavailable": (Evidence(kinds=("GitHubUnavailable",), true="no answer"), "no answer"),
    "pull-request-refused": (
        Evidence(kinds=("GitHubRefused",), http_status=422, true="head is invalid"),
        "HTTP 422: head is invalid",
    ),
    "branch-exists": (
        Evidence(kinds=("PushRefused",), in_the_way="revert", true="cannot lock"),
        "cannot lock",
    ),
    "branch-refused": (Evidence(kinds=("PushRefused",), true="GH006"), "GH006"),
    "source-unavailable": (Evidence(kinds=("SourceUnavailable",), true="git\n no"), "no"),
    "secret-unusable": (
        Evidence(secrets=(("trovella-sentry-dsn", "empty"),)),
        "Secret Manager says so",
    ),
    "secret-store-unavailable": (
        Evidence(kinds=("SecretStoreUnavailable",), true="not known"),
        "not known",
    ),
    "refused-by-verdict": (
        Evidence(kinds=("Refused",), findings=(Finding("rename", "breaks", "0001.sql", "Do."),)),
        "0001.sql",
    ),
    "backup-refused": (
        Evidence(kinds=("BackupRefused", "BackupFailed"), http_status=403, true="HTTP 403"),
        "HTTP 403",
    ),
    "backup-quota": (
        Evidence(kinds=("BackupUnavailable", "BackupFailed"), http_status=429, true="HTTP 429"),
        "HTTP 429",
    ),
    "backup-unavailable": (
        Evidence(kinds=("BackupUnavailable", "BackupFailed"), true="timed out"),
        "timed out",
    ),
    "backup-late": (Evidence(kinds=("BackupLate", "BackupFailed"), true="within 9 s"), "within"),
    "backup-failed": (Evidence(kinds=("BackupFailed",), true="INTERNAL_ERROR"), "INTERNAL_ERROR"),
    "scratch-unreachable": (
        Evidence(
            kinds=("Refused",),
            true="not tried: nobody answers",
            findings=(Finding("no-dry-run", "x", "y", "Do.", "ScratchUnreachable"),),
        ),
        "nobody answers",
    ),
    "scratch-forbidden": (
        Evidence(kinds=("ScratchForbidden", "ScratchUnusable"), sqlstate="42501", true="no"),
        "SQLSTATE 42501: no",
    ),
    "no-pg-dump": (Evidence(kinds=("NoPgDump", "ScratchUnusable"), true="none is here"), "none"),
    "configuration-invalid": (Evidence(kinds=("ConfigInvalid",), true="x: is none"), "is none"),
}


def test_there_is_a_case_for_each_failure():
    assert sorted(CASES) == sorted(one.code for one in FAILURES)


@pytest.mark.parametrize("code", sorted(CASES))
def test_a_failure_is_known_by_what_it_leaves(code: str):
    evidence, seen = CASES[code]

    diagnosis = diagnose(evidence)

    assert (diagnosis.code, diagnosis.also) == (code, ())
    assert seen in diagnosis.seen
    assert diagnosis.cause
    assert diagnosis.cause[-1] != "."
    assert diagnosis.next_step.endswith(".")
    assert diagnosis.what_now.endswith(diagnosis.retry.value)


@pytest.mark.parametrize("code", sorted(CASES))
def test_the_other_failures_have_nothing_to_say_of_it(code: str):
    told = [one for one in FAILURES if one.look(CASES[code][0])]

    assert told[0].code == code
    assert all(one.is_general for one in told[1:])


def test_what_nobody_knows_says_so_and_is_not_to_be_retried_blindly():
    evidence = Evidence(
        phase="quality", kinds=("Odd",), true="odd", left="Nothing.", next_step="Look."
    )

    diagnosis = diagnose(evidence)

    assert diagnosis.code == "unknown"
    assert diagnosis.why.startswith("unknown: no known failure fits")
    assert diagnosis.impact == "Users notice nothing: what served before serves on."
    assert diagnosis.retry is Retry.NO
    assert diagnosis.what_now == (
        "Look. Paste `bin/doctor --environment NAME`. Do not retry before somebody has looked."
    )


def test_the_first_cause_wins_and_the_others_stand_beside_it():
    diagnosis = diagnose(Evidence(host=HostSeen(rooms=(Room("/", 0),))))

    assert diagnosis.code == "engine-down"
    assert diagnosis.also == ("disk-full: a file system of the host is full (/: 0 bytes free)",)
    assert diagnosis.why.endswith("; see also disk-full")


LATE = HostSeen(engine="26", clock_ahead_s=90)
ENDS_SOON = Outside(URL, tls=Tls(protocol="h2", days_left=2.0), offers_http3=True)


@pytest.mark.parametrize("code", ["container-exits-at-start", "never-healthy"])
def test_a_clock_that_is_off_stands_beside_what_any_clock_would_see(code: str):
    diagnosis = diagnose(replace(CASES[code][0], host=LATE))

    assert diagnosis.code == code
    assert diagnosis.also == (
        "clock-off: a clock is wrong, so that certificates and tokens are not believed "
        "(the host's clock is +90 s off the worker's)",
    )
    assert diagnosis.retry is Retry.USELESS


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(),
        Evidence(reserved=compose.LOGIN_REFUSED, stderr=("unauthorized",)),
        Evidence(reserved=compose.PULL_FAILED, http_status=401, stderr=("unauthorized",)),
        Evidence(kinds=("RegistryRefused",), http_status=401),
        Evidence(outside=outside(certificate_code=10, certificate_words="has expired")),
    ],
)
def test_a_clock_that_is_off_is_the_cause_of_what_believes_clocks(evidence: Evidence):
    diagnosis = diagnose(replace(evidence, host=LATE))

    assert diagnosis.code == "clock-off"
    assert diagnosis.next_step.startswith("Compare both clocks with a third; the worker's may be")


def test_a_disk_without_room_for_the_lease_is_told_as_full():
    meanings = lease.take_command(Layout("/opt/trovella"), Claim("t", "ann"), "wait").meanings
    kinds = ("HostError", "RolloutError")

    def told(number: int) -> Diagnosis:
        true = f"the target's lease cannot be had: {meanings[number]}"
        return diagnose(Evidence(kinds=kinds, true=true))

    full = told(lease.NO_ROOM)

    assert (full.code, full.seen) == (
        "disk-full",
        "/opt/trovella/lease cannot be written: its file system is full",
    )
    assert "Nothing can be deployed or rolled back before that." in full.next_step
    assert "docker image prune" in full.commands[1]
    assert told(lease.STUCK).code == "unknown"


def test_a_certificate_that_ends_soon_is_told_before_users_notice():
    (name,) = (one.name for one in address_checks(ENDS_SOON, None, Limits()) if not one.ok)
    finding = Finding(name.replace(" ", "-"), "seen 2.0 days", "h", "Read the proxy's log.")
    evidence = Evidence(kinds=("VerificationFailed",), findings=(finding,))

    soon = diagnose(replace(evidence, outside=outside(certificate_code=0)))
    other = outside(certificate_code=62, certificate_words="mismatch")

    assert (soon.code, soon.seen) == ("certificate-expired", "seen 2.0 days")
    assert soon.cause == "the certificate of the public name ends soon: Caddy did not renew it"
    assert soon.impact.startswith("Users notice nothing yet")
    of_proxy = "--all --filter label=com.docker.compose.service=caddy | xargs"
    assert soon.commands[0].count(of_proxy) == 1
    assert diagnose(replace(evidence, outside=other)).code == "certificate-not-trusted"


@pytest.mark.parametrize(
    "code",
    [
        "database-down-for-application",
        "database-unreachable",
        "database-not-accepting",
        "no-pg-dump",
        "migrations-missing",
        "redis-down",
    ],
)
def test_only_where_the_database_is_cloud_sqls_its_words_are_said(code: str):
    def said(around: Around) -> str:
        diagnosis = diagnose(replace(CASES[code][0], around=around))
        return " ".join((diagnosis.cause, diagnosis.what_now)).lower()

    elsewhere = said(Around(environment="notes"))
    there = said(Around(environment="notes", cloud=Cloud(has_sql=True, sql_instance="main")))

    for word in ("cloud sql", "cloud-sql", "auth proxy", "gcloud sql", "instance", "upstash"):
        assert word not in elsewhere
    assert ("gcloud sql" in there) == (code != "redis-down")


def test_a_proxy_that_is_not_beside_the_application_is_not_asked():
    evidence, _ = CASES["database-down-for-application"]
    there = replace(evidence, around=Around(cloud=Cloud(has_sql=True)))
    beside = HostSeen(engine="26", containers=(ContainerSeen(service="cloud-sql-proxy"),))

    for seen, asked in ((None, True), (beside, True), (RUNS, False)):
        told = diagnose(replace(there, host=seen))
        assert any("compose.service=cloud-sql-proxy" in line for line in told.commands) == asked


def test_a_mask_lies_over_every_text():
    evidence = Evidence(
        true="a hunter2",
        stderr=("b hunter2",),
        container=container(lines=("c hunter2",)),
        host=HostSeen(containers=(container(lines=("d hunter2",)),)),
        around=Around(url="hunter2"),
    )

    hidden = masked(evidence, lambda text: text.replace("hunter2", "***"))

    assert "hunter2" not in repr(hidden)
    assert repr(hidden).count("***") == 5


def test_what_cannot_be_masked_is_left_out_and_that_is_told():
    web = container(lines=("a hunter2",), health_output="b hunter2")
    evidence = Evidence(container=web, host=HostSeen(containers=(web,), proxy=("c hunter2",)))

    left = without_logs(evidence)

    assert "hunter2" not in repr(left)
    assert left.trouble == (
        "what the containers wrote: the secrets to hide in it could not be read",
    )


def test_only_what_services_of_unreadable_secrets_wrote_is_left_out():
    new = container(lines=("b",))
    old = replace(new, service="web-r1", lines=("a",), health_output="a")
    evidence = Evidence(container=old, host=HostSeen(containers=(old, new)))

    left = without_lines_of(evidence, frozenset({"web-r1"}))

    silent = replace(old, lines=(), health_output="")
    assert (left.container, left.host) == (silent, HostSeen(containers=(silent, new)))
    assert without_lines_of(evidence, frozenset()) == evidence


def test_what_surrounds_unreadable_secrets_is_left_out_with_the_proxy():
    said = HostSeen(proxy=("hunter2",), compose=ComposeCheck("f", 1, 1, ("hunter2",)))

    left = without_lines_of(Evidence(host=said), frozenset({"caddy"}))

    assert left.host == HostSeen()
    assert without_lines_of(Evidence(host=said), frozenset({"web-r1"})).host == said


def test_the_evidence_of_a_release_that_is_left_has_all_that_was_logged():
    web = container(lines=tuple(f"line {number}" for number in range(60)))
    evidence = Evidence(
        true="redis is down", host=HostSeen(containers=(web,), proxy=('{"level":"error"}',))
    )

    kept = render_evidence(release_of(3), evidence)
    told = render_diagnosis(diagnose(evidence), evidence)

    assert kept.startswith("# Why release 3 was left\n\nWhat was seen before anything was undone.")
    assert '{"level":"error"}' in kept
    silent = render_evidence(release_of(3), replace(evidence, host=HostSeen()))
    assert "the proxy's warnings and errors:\n\n```text\nnothing written\n```" in silent
    assert all(f"\nline {number}\n" in kept for number in range(60))
    assert "\nline 39\n" not in told
    assert "\nline 40\n" in told


def test_lines_that_are_to_be_pasted_stay_lines_beside_the_run():
    by_hand = "Do it in a clone:\n  git fetch origin\n  gh pr create --fill"
    finding = Finding("no-github", "there is no [github]", "small.toml", by_hand)
    evidence = Evidence(kinds=("Refused",), findings=(finding,))
    diagnosis = diagnose(evidence)

    told = render_diagnosis(diagnosis, evidence)

    assert diagnosis.what_now == f"{by_hand}\n{Retry.AFTER.value}"
    assert (
        "- **Next:** Do it in a clone:\n"
        "  ```sh\n"
        "  git fetch origin\n"
        "  gh pr create --fill\n"
        "  ```\n"
        "- **Retry:** "
    ) in told


def test_a_command_on_the_host_can_be_pasted():
    evidence = Evidence(around=Around(ssh="ssh deploy@10.0.0.2"))

    assert evidence.on_host("echo 'it is'") == "ssh deploy@10.0.0.2 'echo '\\''it is'\\'''"


VM = "vm --project trovella-prod --zone us-central1-a"
THROUGH_IAP = Around(
    environment="staging",
    ssh=f"gcloud compute ssh {VM} --tunnel-through-iap",
    through_iap=True,
    machine=VM,
)


def test_where_only_a_tunnel_leads_to_a_host_a_persons_own_login_runs_it():
    """Nobody but the worker has the block's key, and no person's login is in the engine's group."""
    line = Evidence(around=THROUGH_IAP).on_host("docker ps --format '{{.Names}}'")

    *login, option, command = shlex.split(line)
    assert login == shlex.split(THROUGH_IAP.ssh)
    assert option == "--command"
    assert shlex.split(command) == ["sudo", "sh", "-c", "docker ps --format '{{.Names}}'"]


def test_a_machine_at_google_is_asked_about_by_its_name():
    asked = ("instances describe", "--format 'value(status)'")

    (line,) = Evidence(around=THROUGH_IAP).on_machine(*asked)
    assert line == f"gcloud compute instances describe {VM} --format 'value(status)'"
    assert Evidence().on_machine(*asked) == ()


@pytest.mark.parametrize("code", sorted(CASES))
def test_each_command_says_which_environment_it_means(code: str):
    """Without one, what `bin/` has means production."""
    told = diagnose(replace(CASES[code][0], around=THROUGH_IAP)).commands

    for one in told:
        if one.startswith("bin/"):
            assert "--environment staging" in one
        assert "MACHINE" not in one


def told_of(code: str, around: Around = THROUGH_IAP, **more: Any) -> tuple[str, tuple[str, ...]]:
    """Return what is to be done, and the commands, of a case with more in its evidence."""
    diagnosis = diagnose(replace(CASES[code][0], around=around, **more))
    assert diagnosis.code == code
    return diagnosis.next_step, diagnosis.commands


def on_host(line: str) -> list[str]:
    """Return the words that a shell on the host is given by a line that goes through the tunnel."""
    return shlex.split(shlex.split(line)[-1])


@pytest.mark.parametrize(
    ("code", "more", "asked"),
    [
        ("host-unreachable", {}, "instances describe VM --format 'value(status)'"),
        ("tunnel-failed", {}, "instances describe VM --format 'value(status)'"),
        (
            "tunnel-failed",
            {"true": "odd"},
            "start-iap-tunnel VM 22 --local-host-port=localhost:2222",
        ),
        ("host-key-unknown", {}, "instances get-guest-attributes VM --query-path hostkeys/"),
        ("host-key-changed", {}, "instances get-guest-attributes VM --query-path hostkeys/"),
    ],
)
def test_google_is_asked_with_project_and_zone_and_not_where_the_host_is_elsewhere(
    code: str, more: dict[str, Any], asked: str
):
    _, at_google = told_of(code, **more)
    _, elsewhere = told_of(code, Around(environment="staging", ssh="ssh ann@10.0.0.2"), **more)

    assert f"gcloud compute {asked.replace('VM', VM)}" in at_google
    assert not any("gcloud" in line for line in elsewhere)


def test_a_changed_key_is_not_asked_for_over_the_network_that_is_doubted():
    next_step, commands = told_of("host-key-changed", Around(environment="staging"))

    assert "machine's console" in next_step
    assert "Only if it was rebuilt" in next_step
    assert "docs/recover.md, The host is lost" in next_step
    assert commands == ()


@pytest.mark.parametrize("code", ["tunnel-failed", "secret-store-unavailable"])
def test_nobody_is_told_to_log_in_on_the_operations_machine(code: str):
    kinds = {
        "tunnel-failed": ("TunnelRefused", "HostUnreachable"),
        "secret-store-unavailable": ("SecretStoreRefused", "SecretStoreUnavailable"),
    }
    true = "ERROR: (gcloud.compute.start-iap-tunnel) Reauthentication failed."

    next_step, commands = told_of(code, kinds=kinds[code], true=true)

    assert "own account has to be the active one; do not log in there." in next_step
    assert "gcloud auth list" in commands
    assert not any("auth login" in line for line in commands)


def test_redis_is_looked_for_in_the_log_of_whichever_release_runs():
    _, (line,) = told_of("redis-down")

    *sudo, shell = on_host(line)
    assert sudo == ["sudo", "sh", "-c"]
    assert shell == (
        "docker ps --quiet --filter label=com.docker.compose.project=trovella "
        "--filter label=com.docker.compose.oneoff=False --filter name=web-r "
        "| xargs --no-run-if-empty --max-args=1 docker logs --tail 200 2>&1 | grep -i redis"
    )


@pytest.mark.parametrize(
    ("code", "service", "line"),
    [
        ("certificate-expired", "caddy", "docker logs --tail 100 2>&1 | grep -i tls"),
        ("certificate-expired", "caddy", "docker restart"),
        ("typesense-down", "typesense", "docker logs --tail 50"),
        ("database-down-for-application", "cloud-sql-proxy", "docker logs --tail 50"),
    ],
)
def test_a_container_that_the_compose_file_names_is_found_all_the_same(
    code: str, service: str, line: str
):
    _, commands = told_of(code, replace(THROUGH_IAP, cloud=Cloud(has_sql=True)))

    shells = [on_host(one)[-1] for one in commands if one.startswith(THROUGH_IAP.ssh)]
    assert (
        "docker ps --quiet --filter label=com.docker.compose.project=trovella "
        "--filter label=com.docker.compose.oneoff=False --all "
        f"--filter label=com.docker.compose.service={service} "
        f"| xargs --no-run-if-empty --max-args=1 {line}"
    ) in shells


@pytest.mark.parametrize("code", ["container-exits-at-start", "out-of-memory"])
def test_a_container_is_named_as_its_engine_does_or_not_at_all(code: str):
    there = CASES[code][0].container
    assert there is not None

    _, named = told_of(code)
    _, unnamed = told_of(code, container=replace(there, service=""))

    assert "trovella-web-r3-1" in on_host(named[-1])[-1]
    assert len(unnamed) == len(named) - 1
    assert not any("trovella-" in shlex.split(line)[-1] for line in unnamed)


def test_a_disabled_secret_is_enabled_by_its_number_in_its_project():
    secrets = (("a", "disabled"), ("b", "empty"), ("c", "disabled"))

    next_step, commands = told_of("secret-unusable", secrets=secrets)

    for name in ("a", "c"):
        line = f"gcloud secrets versions enable N --secret={name} --project=PROJECT"
        assert f"`{line}`" in next_step
        assert f"gcloud secrets versions list {name} --project=PROJECT" in commands
    assert "--secret=b" not in next_step
    assert "enable" not in told_of("secret-unusable")[0].replace("enabled", "")


def test_a_secret_that_is_missing_may_have_to_be_made_with_its_rights():
    next_step, commands = told_of("secret-unusable", secrets=(("a", "missing"), ("b", "empty")))

    assert commands == (
        "gcloud secrets versions add a --data-file=- --project=PROJECT",
        "gcloud secrets versions add b --data-file=- --project=PROJECT",
    )
    assert next_step == (
        "Give each an enabled version that is not empty. One that is not there at all is made by "
        "`gcloud secrets create a --replication-policy automatic --data-file=- --project=PROJECT`, "
        "and the deploying account gets roles/secretmanager.secretAccessor and "
        "roles/secretmanager.viewer on it; where Terraform makes them, docs/secrets.md says how."
    )
    assert "create" not in told_of("secret-unusable")[0]


def test_a_certificate_is_asked_for_by_its_name_wherever_it_is_asked():
    there = outside(route=RouteSeen("10.0.0.9", 8443), certificate_code=62)

    _, (line,) = told_of("certificate-not-trusted", outside=there)

    assert line == (
        "openssl s_client -connect 10.0.0.9:8443 -servername trovella.ai </dev/null "
        "| openssl x509 -noout -subject -issuer -dates"
    )


def test_a_clock_is_set_with_what_the_machine_has():
    _, commands = told_of("clock-off")

    assert on_host(commands[1])[-1] == (
        "date --utc; sudo chronyc makestep 2>/dev/null || sudo systemctl restart "
        "systemd-timesyncd; timedatectl status"
    )


@pytest.mark.parametrize("code", ["database-locked", "database-too-many-connections"])
def test_what_asks_the_database_says_where_psql_and_its_url_are(code: str):
    next_step, (line,) = told_of(code)

    assert shlex.split(line)[:2] == ["psql", "$URL"]
    assert "docs/recover.md, In the database, says where psql runs" in next_step
    assert "what URL is" in next_step


CODE = Code("https://git.example/a.git", "trunk", "ops/Dockerfile", "app dir", "ops/Caddyfile")
ELSEWHERE = Around("staging", code=CODE, github_api="https://git.example/api/v3/")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("build-failed", "docker build --file ops/Dockerfile 'app dir'"),
        (
            "architecture-mismatch",
            "docker buildx build --platform linux/amd64 --file ops/Dockerfile 'app dir'",
        ),
        ("caddyfile-invalid", "caddy validate --adapter caddyfile --config ops/Caddyfile"),
        ("source-unavailable", "git ls-remote https://git.example/a.git trunk"),
        ("github-unavailable", "curl -fsS https://git.example/api/v3/zen"),
    ],
)
def test_a_command_names_what_the_environments_file_does(code: str, line: str):
    _, commands = told_of(code, ELSEWHERE)

    assert commands == (line,)


def test_a_command_before_the_build_is_told_itself_and_nothing_contradicts_that_it_takes_a_merge():
    words = ("npm", "ci", "--prefix", "app dir")
    failure = BuildFailed("it ended with 1", next_step="Correct what the last lines name.")
    failure.stage, failure.words = "prepare", words

    told = diagnose(evidence_of(failure, "build-push", ELSEWHERE))

    assert (told.code, told.commands) == ("build-failed", ("npm ci --prefix 'app dir'",))
    assert str(failure.explained(told)).endswith(
        "\nnext: Correct what the last lines name. Try it in a checkout, and merge. Paste `npm ci "
        "--prefix 'app dir'`. Retry is safe, but would end in the same way: it takes a new commit."
    )


UNDECLARED = CheckSeen(
    "variables",
    "failed",
    (".env.example:3: variable-unnamed: x", "src/a.ts:7: variable-undeclared: y. Add it."),
)
LINT = CheckSeen("lint", "failed", ("x.js:3 unused", "ended with 1"))
IN_FILE = "grep -n -A2 'name = \"lint\"' deployments/staging.toml"
DOCTOR = "bin/doctor --environment staging"


def test_what_the_commits_files_do_not_declare_is_no_command_to_run_in_a_checkout():
    """Its mend is a line in the environment's file, after which the same commit goes."""
    failure = quality_failure(
        (CheckResult("variables", "failed", tail="\n".join(UNDECLARED.lines)),)
    )
    assert failure is not None

    told = diagnose(evidence_of(failure, "quality", THROUGH_IAP))

    assert (told.code, told.retry) == ("check-failed", Retry.AFTER)
    assert told.cause == (
        "what the commit's files name and what deployments/staging.toml declares do not agree"
    )
    assert told.seen == "variables: src/a.ts:7: variable-undeclared: y. Add it."
    assert told.commands == (DOCTOR,)
    assert str(failure.explained(told)).count("Correct what each line names.") == 1


@pytest.mark.parametrize("checks", [(UNDECLARED, LINT), (LINT, UNDECLARED)])
def test_beside_a_check_that_failed_what_is_not_declared_is_told_too(checks: tuple[CheckSeen, ...]):
    told = diagnose(Evidence(checks=checks, around=THROUGH_IAP))

    assert told.seen == "lint: x.js:3 unused"
    assert told.retry is Retry.USELESS
    assert told.commands == (IN_FILE, DOCTOR)
    assert "variables is no command: the last line says" in told.next_step


@pytest.mark.parametrize(
    ("kinds", "retry"),
    [
        (("MigrationUnfinished", "MigrationFailed"), Retry.AFTER),
        (("MigrationFailed",), Retry.USELESS),
    ],
)
def test_a_migration_that_can_go_on_is_worth_a_retry(kinds: tuple[str, ...], retry: Retry):
    told = diagnose(Evidence(kinds=kinds, true="0001_a.sql", next_step="Leave the file as it is."))

    assert (told.code, told.retry) == ("migration-failed", retry)
    assert told.next_step == "Leave the file as it is."
    assert told.cause == "a pending migration did not come to its end"
