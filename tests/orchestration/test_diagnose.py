"""A failed run says why, beside what is true, was left and is to be done; a good one is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prefect import flow, task

from rollout.errors import AlreadyMigrating, RolloutError, SecretUnusable, Superseded
from tasks.diagnose import evidence_first, explaining
from tests.support.values import release

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.orchestration.prefect_server import Server

# An environment without blocks on this server: nothing can be looked at, and nothing has to be.
NOWHERE = "production"


@task(name="migrate-prod", task_run_name="migrate-prod")
def fail(kind: str) -> None:
    """Fail in one of the ways in which a task may."""
    if kind == "known":
        raise AlreadyMigrating(
            "another session migrates this database: process 7", next_step="Wait."
        )
    if kind == "secret":
        refused = SecretUnusable("1 of 14 secrets cannot be used", next_step="Give it a version.")
        refused.unusable = (("trovella-sentry-dsn", "disabled"),)
        raise refused
    if kind == "superseded":
        raise Superseded("a newer one waits", next_step="Nothing.")
    if kind == "odd":
        raise KeyError("something of ours")


@flow(name="failing")
def failing(kind: str) -> None:
    with explaining(NOWHERE):
        fail(kind)


@flow(name="going back")
def going_back() -> None:
    with explaining(NOWHERE):
        try:
            with evidence_first(NOWHERE, release(2)):
                fail("known")
        except RolloutError as failure:
            raise failure.leaving("Release 1 is serving again.") from failure


@pytest.fixture
def diagnoses(server: Server) -> Callable[[Any], list[str]]:
    """Return the texts of a run's diagnoses."""

    def read(state: Any) -> list[str]:
        run = str(state.state_details.flow_run_id)
        asked = {"artifacts": {"key": {"any_": ["diagnosis"]}, "flow_run_id": {"any_": [run]}}}
        found = server.client.request("POST", "/artifacts/filter", json=asked).json()
        return [one["data"] for one in found]

    return read


def test_a_known_failure_is_explained(diagnoses: Callable[[Any], list[str]]):
    state: Any = failing("known", return_state=True)

    assert state.message == (
        "Flow run encountered an exception: AlreadyMigrating: another session migrates this "
        "database: process 7\n"
        "cause: another session has the right to migrate this database (another session migrates "
        "this database: process 7)\n"
        "left: Nothing was changed. Users notice nothing: what served before serves on.\n"
        "next: Wait. Wait until it has ended; it may be our own, cut off a moment ago. Retry is "
        "safe."
    )
    (shown,) = diagnoses(state)
    assert shown.startswith("# migrate-prod failed: already-migrating\n")


def test_what_is_to_be_pasted_names_what_failed(diagnoses: Callable[[Any], list[str]]):
    state: Any = failing("secret", return_state=True)

    assert "cause: trovella-sentry-dsn is disabled (Secret Manager says so)" in state.message
    (shown,) = diagnoses(state)
    assert "gcloud secrets versions list trovella-sentry-dsn" in shown


def test_an_error_that_nobody_expected_stays_itself(diagnoses: Callable[[Any], list[str]]):
    state: Any = failing("odd", return_state=True)

    assert state.message == "Flow run encountered an exception: KeyError: 'something of ours'"
    (shown,) = diagnoses(state)
    assert shown.startswith("# migrate-prod failed: a cause that nobody knows yet\n")
    assert "KeyError: 'something of ours'" in shown


def test_what_was_left_in_the_end_stands_beside_the_first_cause(
    diagnoses: Callable[[Any], list[str]],
):
    state: Any = going_back(return_state=True)

    assert "\ncause: another session has the right to migrate" in state.message
    assert "\nleft: Release 1 is serving again. Users notice" in state.message
    assert len(diagnoses(state)) == 1


@pytest.mark.parametrize("kind", ["none", "superseded"])
def test_a_run_that_did_not_fail_is_not_diagnosed(diagnoses: Callable[[Any], list[str]], kind: str):
    state: Any = failing(kind, return_state=True)

    assert "cause: " not in (state.message or "")
    assert diagnoses(state) == []
