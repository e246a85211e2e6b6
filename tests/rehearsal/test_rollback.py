"""Going back by facts: what may be chosen, what is left, and what comes after.

One world, in order: each test goes on where the one before it ended.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactCollectionFilter,
    ArtifactCollectionFilterKey,
)

from rollout.render.form import choices_of
from tests.support.world import (
    ROOT,
    Run,
    commit,
    configured,
    facts,
    health,
    on_host,
    probing,
    serving_version,
    tool,
    trigger,
)

pytestmark = pytest.mark.rehearsal

SHARED_MEMORY = Path("/dev/shm")
SHORT = "ALTER TABLE note ADD CONSTRAINT short CHECK (length(body) < 2) NOT VALID"


@dataclass(frozen=True)
class Deployed:
    """Two releases, the newer one serving."""

    older: int
    newer: int
    older_version: str
    newer_version: str


def ledger() -> list[dict[str, Any]]:
    return [json.loads(line) for line in on_host("cat /opt/trovella/ledger.jsonl").splitlines()]


def deployed() -> tuple[int, str]:
    version = commit()
    run = trigger("deploy", commit=version)
    assert run.exit_code == 0, run.log
    return int(on_host("basename $(readlink /opt/trovella/current)")), version


@pytest.fixture(scope="module")
def releases() -> Deployed:
    (older, older_version), (newer, newer_version) = deployed(), deployed()
    return Deployed(older, newer, older_version, newer_version)


def newest(key: str) -> str:
    """Return the newest version of an artifact, as the Artifacts page shows it."""
    with get_client(sync_client=True) as client:
        (found,) = client.read_latest_artifacts(
            artifact_filter=ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=[key]))
        )
    return str(found.data)


def offered() -> tuple[str, ...]:
    """Return the releases that the form of the rollback offers."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("rollback/rehearsal")
    return choices_of(deployment.parameter_openapi_schema or {})


def assert_refused(run: Run, serving: str, *words: str, state: str = "Failed") -> None:
    assert (run.exit_code, run.state) == (1, state), run.log
    for word in (*words, "\nleft: Nothing was changed.", "\nnext: "):
        assert word in run.message, run.message
    assert serving_version() == serving


def test_the_form_offers_what_was_deployed_newest_first(releases: Deployed):
    choices = offered()

    assert choices[0] == f"{releases.older} {releases.older_version[:12]}"
    numbers = [int(one.split()[0]) for one in choices]
    assert numbers == sorted(numbers, reverse=True)
    assert releases.newer not in numbers
    table = newest("ways-back-rehearsal")
    assert f"| {releases.newer} | {releases.newer_version[:12]} | verified |" in table
    assert f"| {releases.older} | {releases.older_version[:12]} | verified |" in table


def test_an_unknown_release_is_refused_before_a_run_is_made(releases: Deployed):
    before = ledger()

    for wanted in ("fffffff", "999", f"{releases.older} fffffff"):
        run = trigger("rollback", to=wanted, reason="a test")
        assert (run.exit_code, run.state) == (1, "NotStarted"), run.log
        assert f"{wanted!r} is not one of" in run.message
    assert ledger() == before


def test_nobody_goes_back_without_saying_why(releases: Deployed):
    run = trigger("rollback", reason=" ")

    assert_refused(run, releases.newer_version, "reason: should say why")


def test_a_release_of_another_database_is_refused_before_it_would_use_it(releases: Deployed):
    with configured(CLOUD_SQL_CONNECTION_NAME="trovella-prod:us-central1:trovella-2"):
        run = trigger("rollback", reason="a test")

    assert_refused(
        run,
        releases.newer_version,
        "CLOUD_SQL_CONNECTION_NAME is trovella-prod:us-central1:trovella in its .env",
        "Roll back with secrets=newest",
    )


def test_the_last_good_release_serves_again_and_deploys_are_kept_back(releases: Deployed):
    with probing() as probe:
        run = trigger("rollback", reason="500s on /pay", actor="ada", hold=True)

    assert run.exit_code == 0, run.log
    assert probe.result()["lost"] == 0, probe.result()
    assert health()["release"] == f"web-r{releases.older}"
    assert f"wait until web-r{releases.older} answers, healthy and at its version" in run.log
    *_, activated, left, verified = ledger()
    assert [(one["release"], one["event"]) for one in (activated, left, verified)] == [
        (releases.older, "activated"),
        (releases.newer, "rolled-back"),
        (releases.older, "verified"),
    ]
    assert {(one["actor"], one["reason"]) for one in (activated, left)} == {("ada", "500s on /pay")}
    assert {one["run_id"] for one in (activated, left, verified)} == {run.flow_run_id}
    shown = newest("rollback")
    assert f"# Rollback to release {releases.older} " in shown
    assert "- **its code and the schema that is there:** OK" in shown
    assert offered()[0] == f"{releases.newer} {releases.newer_version[:12]}"

    held = trigger("deploy", commit=releases.older_version)
    words = "held by ada since", "500s on /pay"
    assert_refused(held, releases.older_version, *words, state="Held")
    free = trigger("release-hold")
    assert "it was held by ada" in free.message, free.log


def test_what_was_left_is_not_deployed_again_by_accident(releases: Deployed):
    run = trigger("deploy", commit=releases.newer_version)

    assert_refused(
        run,
        releases.older_version,
        f"release {releases.newer} ({releases.newer_version[:12]}) was left by a rollback at ",
        "by ada: 500s on /pay",
        "`accept` naming version-quarantined",
    )


def test_it_is_deployed_again_by_name(releases: Deployed):
    run = trigger("deploy", commit=releases.newer_version, accept=("version-quarantined",))

    assert run.exit_code == 0, run.log
    assert serving_version() == releases.newer_version
    assert trigger("deploy", commit=releases.newer_version).exit_code == 0


def test_a_run_holds_and_releases(releases: Deployed):
    held = trigger("hold", reason="a slow query", actor="ada")
    assert (held.exit_code, "rehearsal is held by ada since" in held.message) == (0, True), held.log

    refused = trigger("rollback", to=str(releases.older), reason="a test")

    words = "held by ada since", "bin/release-hold"
    assert_refused(refused, releases.newer_version, *words, state="Held")
    again = tool("release-hold", "--environment", "rehearsal")
    assert "it was held by ada" in again.stdout
    assert "was not held" in trigger("release-hold").message


def without_prefect(*words: str) -> subprocess.CompletedProcess[str]:
    """Run bin/rollback as where nobody answers for Prefect's server."""
    environment = {**os.environ, "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    return subprocess.run(
        [ROOT / "bin/rollback", *words, "--environment", "rehearsal", "--reason", "no server"],
        capture_output=True, text=True, timeout=600, check=False, env=environment,
    )  # fmt: skip


def test_without_prefect_the_same_rollback_is_run_from_here(releases: Deployed):
    before = sorted(SHARED_MEMORY.iterdir())

    with probing() as probe:
        done = without_prefect(str(releases.older), "--actor", "ada")

    assert done.returncode == 0, done.stderr
    version = releases.older_version[:12]
    assert done.stdout.startswith(f"release {releases.older} ({version}) serves at https://")
    assert "does not answer" in done.stderr
    assert serving_version() == releases.older_version
    assert probe.result()["lost"] == 0, probe.result()
    *_, activated, left, verified = ledger()
    assert [one["event"] for one in (activated, left, verified)] == [
        "activated", "rolled-back", "verified",
    ]  # fmt: skip
    assert (activated["actor"], activated["reason"]) == ("ada", "no server")
    assert sorted(SHARED_MEMORY.iterdir()) == before


def test_without_prefect_a_refusal_is_one_too(releases: Deployed):
    done = without_prefect(str(releases.older))

    assert (done.returncode, done.stdout) == (1, "")
    assert f"rollback: rollback refused: release {releases.older} serves already" in done.stderr
    assert "\nleft: Nothing was changed.\nnext: " in done.stderr


def test_without_prefect_the_blocks_are_read_from_a_file(tmp_path: Path):
    blocks = tmp_path / "blocks.toml"
    blocks.write_text("[target_host]\n")

    done = without_prefect("--blocks", str(blocks))

    assert (done.returncode, done.stdout) == (1, "")
    assert f"rollback: {blocks}: target_host.host is missing" in done.stderr


def test_a_risk_is_refused_with_the_statement_that_shows_it_until_it_is_accepted(
    releases: Deployed,
):
    served = serving_version()
    other = releases.newer if served == releases.older_version else releases.older
    with psycopg.connect(facts()["database_url"], autocommit=True) as database:
        database.execute(SHORT)
        try:
            run = trigger("rollback", to=str(other), reason="a test")
            dry = trigger(
                "rollback", to=str(other), reason="a test", dry_run=True, accept=("new-check",)
            )
        finally:
            database.execute("ALTER TABLE note DROP CONSTRAINT short")

    assert_refused(
        run,
        served,
        "; witness: insert into note (",
        " -> is refused (SQLSTATE 23514)",
        "roll back with `accept` naming new-check",
    )
    assert (dry.exit_code, dry.state) == (0, "DryRun"), dry.log
