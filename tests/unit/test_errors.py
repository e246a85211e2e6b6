"""The tree of errors: which of them Prefect may try again, and what a diagnosis adds to one."""

from __future__ import annotations

import inspect
import pickle
import re
from dataclasses import replace

import pytest

from rollout import errors
from rollout.errors import (
    ROLLED_BACK,
    HeldBack,
    HostUnreachable,
    MigrationFailed,
    Refused,
    RolloutError,
    VerificationFailed,
)
from rollout.model.diagnosis import Diagnosis, Retry
from rollout.model.finding import Finding
from rollout.model.seen import Evidence

# What passes by itself, and what a task that reads the facts first may begin again with.
SAFE = {
    "AlreadyMigrating",
    "BackupUnavailable",
    "DatabaseUnreachable",
    "GitHubUnavailable",
    "HostKeyUnavailable",
    "HostUnreachable",
    "OutcomeUnknown",
    "RegistryError",
    "ScratchUnreachable",
    "SecretStoreUnavailable",
    "SourceUnavailable",
    "TunnelFailed",
}
NEVER = {
    "ActivationFailed",
    "AlertsUnavailable",
    "BackupFailed",
    "BackupLate",
    "BackupRefused",
    "BuildFailed",
    "CancelAsked",
    "CommandFailed",
    "CommandTimedOut",
    "ConfigInvalid",
    "DatabaseError",
    "DatabaseLocked",
    "DatabaseProxyRefused",
    "EngineError",
    "GitHubError",
    "GitHubRefused",
    "HeldBack",
    "HostError",
    "HostKeyChanged",
    "HostKeyUnknown",
    "HostLoginRefused",
    "HostsBehind",
    "LeaseHeld",
    "LeaseLost",
    "LedgerCorrupt",
    "MigrationFailed",
    "MigrationUnfinished",
    "NoPgDump",
    "PushRefused",
    "QualityFailed",
    "Refused",
    "RegistryRefused",
    "RollbackRefused",
    "RolloutError",
    "ScratchForbidden",
    "ScratchUnusable",
    "SecretStoreRefused",
    "SecretUnusable",
    "Superseded",
    "TunnelRefused",
    "VerificationFailed",
}
KINDS = {
    name: one
    for name, one in vars(errors).items()
    if inspect.isclass(one) and issubclass(one, RolloutError)
}


def test_each_class_of_error_says_whether_it_may_be_tried_again():
    assert {name for name, one in KINDS.items() if one.retry_safe} == SAFE
    assert {name for name, one in KINDS.items() if not one.retry_safe} == NEVER


def test_the_tree_at_the_head_of_the_file_names_every_class():
    tree = re.findall(r"^ {4,}([A-Z][A-Za-z]+)", errors.__doc__ or "", re.MULTILINE)

    assert sorted(tree) == sorted(KINDS)


DIAGNOSIS = Diagnosis(
    code="host-unreachable",
    true="no session came about",
    cause="nothing answers at the host's SSH port",
    seen="vm: ETIMEDOUT",
    left="Nothing was changed.",
    impact="Users notice nothing.",
    next_step="See whether the VM runs.",
    commands=("bin/doctor", "ssh vm true"),
    retry=Retry.AFTER,
)


def test_a_diagnosis_stands_in_the_message_between_what_is_true_and_what_was_left():
    error = HostUnreachable("no session came about", next_step="Look.")
    error.seen_then = Evidence()

    told = error.explained(DIAGNOSIS)

    assert type(told) is HostUnreachable
    assert told.seen_then is None
    assert str(told) == (
        "no session came about\n"
        "cause: nothing answers at the host's SSH port (vm: ETIMEDOUT)\n"
        "left: Nothing was changed. Users notice nothing.\n"
        "next: Look. See whether the VM runs. Paste `bin/doctor`, then `ssh vm true`. Retry is "
        "safe, and helps once that is done."
    )


BY_HAND = "Do it in a clone of your own:\n  git fetch origin\n  gh pr create --fill"


def test_nothing_follows_on_a_line_that_is_there_to_be_pasted():
    here = Finding("no-github", "there is no [github]", "small.toml", BY_HAND)
    error = Refused("reverting", (here, replace(here, help="Ask.")))

    told = error.explained(replace(DIAGNOSIS, commands=()))
    known = error.explained(replace(DIAGNOSIS, next_step=error.next_step, commands=()))

    assert error.next_step == f"{BY_HAND}\nAsk."
    assert str(told).endswith(
        f"\nnext: {BY_HAND}\nAsk.\nSee whether the VM runs. Retry is safe, and helps once that is "
        "done."
    )
    assert str(known).endswith(
        f"\nnext: {BY_HAND}\nAsk.\nRetry is safe, and helps once that is done."
    )


@pytest.mark.parametrize("again", [lambda one: one.leaving("Gone."), lambda one: one])
def test_the_cause_survives_storage_and_another_account_of_what_was_left(again):
    told = VerificationFailed("x", next_step="y").explained(DIAGNOSIS)

    stored = pickle.loads(pickle.dumps(again(told)))

    assert "\ncause: nothing answers" in str(stored)


def test_a_code_survives_another_account_of_what_was_left():
    error = MigrationFailed("x", next_step="y")
    error.sqlstate = "42P01"

    left = error.leaving("Nothing.")

    assert isinstance(left, MigrationFailed)
    assert left.sqlstate == "42P01"


def test_the_name_of_an_end_survives_its_explanation_and_storage():
    left = VerificationFailed("x", next_step="y").leaving("Release 1 serves.", ends=ROLLED_BACK)
    held = HeldBack("held by ada", next_step="Ask ada.")

    again = [pickle.loads(pickle.dumps(one.explained(DIAGNOSIS))) for one in (left, held)]

    assert [one.ends for one in again] == ["RolledBack", "Held"]
    assert VerificationFailed("x", next_step="y").ends == ""


def test_an_error_of_one_host_of_several_names_it_in_what_is_true_and_in_what_was_seen():
    error = HostUnreachable("no answer", next_step="Look.")
    error.seen_then = Evidence(true="no answer")

    named = error.on("b")

    assert named.true == "b: no answer"
    assert named.seen_then is not None
    assert named.seen_then.true == "b: no answer"
    assert isinstance(named, HostUnreachable)
