"""A release goes from staging to production by its digest, once somebody has approved it.

One world, in order: each test goes on where the one before it ended.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect import get_client, resume_flow_run

from infra.rehearsal import rehearse, targets
from infra.rehearsal.approve import asking
from infra.rehearsal.targets import STAGING
from tasks.ask import ASKS
from tests.support.github import world_github
from tests.support.world import (
    Run,
    commit,
    newest,
    on_host,
    probing,
    rehearsal,
    serving_version,
    trigger,
    trust,
)

if TYPE_CHECKING:
    from collections.abc import Generator

    from infra.rehearsal.machines import Machine

pytestmark = pytest.mark.rehearsal

LEDGER = "/opt/trovella/ledger.jsonl"
WEB = "docker inspect --format '{{.Config.Image}}' $(docker ps --quiet)"
FREE = "test ! -e /opt/trovella/lease/lock || flock --nonblock /opt/trovella/lease/lock true"
"""Succeeds while nobody holds production."""


@pytest.fixture(scope="module", autouse=True)
def host() -> Generator[Machine]:
    """Yield staging's host, a bare one; no other test needs it, so it is gone afterwards."""
    targets.remove(rehearsal(), STAGING)
    rehearse.stand_up_target(rehearsal(), STAGING)
    yield STAGING.hosts(rehearsal())[0]
    targets.remove(rehearsal(), STAGING)


def production() -> str:
    """Return production's ledger; empty before its first release."""
    return on_host(f"cat {LEDGER} 2>/dev/null || true")


def promote(verdict: str) -> Run:
    """Promote what serves in staging, and answer the question as the UI does.

    Nobody who has to go back waits meanwhile for whoever answers: the target is free.
    """
    said = {"verdict": verdict, "why": "seen in staging", "who": "ada"}
    with ThreadPoolExecutor() as pool:
        run = pool.submit(trigger, "promote", reason="Tuesday")
        asked = asking(within_s=300)
        on_host(FREE)
        # What whoever is on call reads of it.
        with get_client(sync_client=True) as client:
            labels = client.read_flow_run(asked).labels
        assert f") go to {rehearse.ENVIRONMENT}?\nleft: " in str(labels[ASKS])
        resume_flow_run(asked, run_input=said)
    ended = run.result()
    assert ended.flow_run_id == str(asked), ended.log
    return ended


def images(listed: str) -> set[str]:
    """Return the application's own images among those that run."""
    return {one for one in listed.split() if "/trovella/web@" in one}


def releases(ledger: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger.splitlines()]


def test_nothing_is_promoted_before_staging_has_verified_a_release():
    before = production()

    run = trigger("promote")

    assert run.state == "Failed", run.log
    assert "rehearsal-staging has no release that serves" in run.message
    assert "next: Deploy a commit to rehearsal-staging first." in run.message
    assert production() == before


def test_without_an_approval_nothing_changes(host: Machine):
    before, version = production(), commit()
    run = trigger("deploy", deployment="rehearsal-staging", commit=version)
    assert run.exit_code == 0, run.log
    url = f"{STAGING.public_url}/api/health"
    assert httpx.get(url, verify=trust(), timeout=10).json()["version"] == version

    rehearsed = trigger("promote", dry_run=True)
    assert rehearsed.state == "DryRun", rehearsed.log
    assert f"release 1 of rehearsal-staging ({version[:12]}), in the place of" in rehearsed.message
    refused = promote("refuse")

    assert refused.state == "Failed", refused.log
    assert "it was not approved (ada: seen in staging)" in refused.message
    assert not {"migrate-prod", "deploy-prod"} & refused.tasks.keys()
    assert production() == before
    shown = newest("promotion")
    assert version in shown
    assert "- **approval:** refuse: ada: seen in staging" in shown


def test_what_is_approved_serves_by_the_same_digest_and_nothing_is_built(host: Machine):
    (verified,) = images(host.run("sh", "-c", WEB))
    version = releases(host.run("cat", LEDGER))[-1]["version"]

    with probing() as probe:
        run = promote("go")

    assert run.exit_code == 0, run.log
    (shown,) = [one for one in world_github().deployments if one["ref"] == version]
    assert [one["state"] for one in shown["statuses"]] == ["in_progress", "success"]
    assert verified in images(on_host(WEB))
    assert serving_version() == version
    assert not [name for name in run.tasks if name.startswith(("build-push", "quality"))]
    last = releases(production())[-1]
    assert (last["event"], last["version"], last["digest"]) == (
        "verified", version, verified.partition("@")[2],
    )  # fmt: skip
    assert last["reason"] == (
        f"Tuesday; promoted: release 1 of rehearsal-staging ({version[:12]}); "
        "approved by ada: seen in staging"
    )
    assert "- **approval:** go: ada: seen in staging" in newest("promotion")
    assert probe.result()["lost"] == 0


def test_what_serves_already_is_not_promoted_again():
    before = production()

    run = trigger("promote")

    assert run.state == "Failed", run.log
    assert "serves it already, by the same digest" in run.message
    assert production() == before


def test_what_staging_has_left_is_not_promoted():
    before, version = production(), commit()
    there = trigger("deploy", deployment="rehearsal-staging", commit=version)
    back = trigger("rollback", deployment="rehearsal-staging", reason="it is slow")
    assert (there.exit_code, back.exit_code) == (0, 0), back.log

    run = trigger("promote", release=version)

    assert run.state == "Failed", run.log
    assert f"release 2 of rehearsal-staging ({version[:12]}) " in run.message
    assert "was left there by a rollback" in run.message
    assert production() == before
