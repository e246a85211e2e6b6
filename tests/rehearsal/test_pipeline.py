"""The promise: a commit goes through the whole flow, or what served before still serves.

The tests run in order on one world: the first deploy meets a bare host, the later ones a serving one.
"""

from __future__ import annotations

import pytest

from tests.support.world import commit, facts, health, on_host, serving_version, trigger

pytestmark = pytest.mark.rehearsal

PHASES = ("checkout", "quality", "migrate-prod: plan", "migrate-prod", "build-push", "deploy-prod", "verify")


@pytest.fixture(scope="module")
def first() -> str:
    """Deploy a first good commit and return it."""
    version = commit()
    run = trigger("deploy", commit=version)
    assert run.exit_code == 0, run.log
    return version


def test_a_commit_goes_through_every_phase_and_answers_at_its_own_version(first: str):
    assert serving_version() == first
    assert health()["status"] == "healthy"
