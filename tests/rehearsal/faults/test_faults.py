"""A representative part of the grid; `bin/faults` runs all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rehearsal.faults.breaking import FAULTS
from tests.rehearsal.faults.cell import boundaries, run_cell
from tests.rehearsal.faults.target import Target, serving_target

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def target() -> Generator[Target]:
    with serving_target() as one:
        yield one


@pytest.fixture(scope="module")
def names(target: Target) -> tuple[str, ...]:
    return boundaries(target)


def test_the_steps_are_those_of_a_whole_plan(names: tuple[str, ...]):
    assert names == (
        "upload release N",
        "write into the ledger: release N prepared",
        "write into the ledger: release N migrated",
        "pull us-central1-docker.pkg.dev/trovella-shared/trovella/web",
        "forget what runs around it until that is known again",
        "start the other services where they changed",
        "start web-rN",
        "wait until web-rN is healthy",
        "check that web-rN runs the release's image",
        "stage the Caddyfile",
        "let the proxy take the Caddyfile",
        "put the Caddyfile in its place",
        "start the proxy where it changed",
        "switch to web-rN",
        "make release N the current one",
        "remember what runs around it",
        "write into the ledger: release N activated",
        "drain web-rN",
        "stop web-rN",
        "remove the containers of old releases",
        "remove the images of old releases",
        "remove the folders of old releases",
        "the end",
    )


@pytest.mark.parametrize(
    ("fault", "before", "again"),
    [
        ("worker killed", "switch to web-rN", "retry"),
        ("worker killed", "make release N the current one", "new run"),
        ("worker killed", "remember what runs around it", "retry"),
        ("connection cut", "start web-rN", "new run"),
        ("connection cut", "write into the ledger: release N activated", "retry"),
        ("engine killed", "wait until web-rN is healthy", "retry"),
        ("disk full", "upload release N", "new run"),
        ("disk full", "switch to web-rN", "retry"),
        ("registry answers 503", "upload release N", "retry"),
    ],
)
def test_a_deploy_that_dies_leaves_one_version_serving_and_the_next_run_converges(
    target: Target, names: tuple[str, ...], fault: str, before: str, again: str
):
    strikes = next(one for one in FAULTS if one.name == fault)

    cell = run_cell(target, strikes, names.index(before), names, again)

    assert cell.problems == ()


@pytest.mark.parametrize(
    ("fault", "before", "again"),
    [
        ("worker killed", "wait until web-rN answers, healthy and at its version", "new run"),
        ("connection cut", "switch to web-rN", "retry"),
        ("engine killed", "wait until the engine finds web-rN healthy", "new run"),
    ],
)
def test_a_rollback_that_dies_leaves_one_version_serving_and_the_next_run_converges(
    target: Target, fault: str, before: str, again: str
):
    strikes = next(one for one in FAULTS if one.name == fault)
    names = boundaries(target, back=True)

    cell = run_cell(target, strikes, names.index(before), names, again, back=True)

    assert cell.problems == ()
