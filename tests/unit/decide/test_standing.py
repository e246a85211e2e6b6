"""How a release stands on its host: restarts, memory, images, room and clock."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rollout.decide.standing import (
    identity_checks,
    is_starting,
    nothing_deployed,
    room_checks,
    stability_checks,
)
from rollout.ledger import Entry, render_entry
from rollout.limits import Limits
from rollout.model.host import Container, Figures, HostFacts
from rollout.render.compose import render_compose
from tests.support.values import APPLICATION, COMPOSE, release

if TYPE_CHECKING:
    from rollout.model.finding import Check

RELEASE = release(12, "a")
MIB = 1024 * 1024
WEB = Container("w", "web-r12", "running", "healthy", RELEASE.image.reference, "sha256:1", 12)
CADDY = Container("c", "caddy", "running", started_at="2026-11-25T12:00:00.1Z")


def line(event: str, at: str, digest: str = RELEASE.image.digest) -> str:
    entry = Entry(12, event, RELEASE.version.sha, digest)  # pyright: ignore[reportArgumentType]
    return f'{{"at": "{at}", {render_entry(entry)[1:]}\n'


LEDGER = line("prepared", "2026-11-25T12:59:00Z") + line("activated", "2026-11-25T13:00:00Z")
FACTS = HostFacts(
    live="web-r12",
    current=12,
    ledger=LEDGER,
    compose=render_compose(COMPOSE, APPLICATION, RELEASE),
    containers=(WEB, CADDY),
    images={RELEASE.image.reference: "sha256:1"},
)


def having(*containers: Container) -> HostFacts:
    return replace(FACTS, containers=containers)


def wrong(checks: tuple[Check, ...]) -> list[tuple[str, str, str]]:
    return [(one.name, one.seen, one.weight) for one in checks if not one.ok]


def test_the_ledger_and_the_engine_know_the_image_that_runs():
    assert wrong(identity_checks(FACTS, RELEASE, "web")) == []


@pytest.mark.parametrize(
    ("facts", "seen"),
    [
        pytest.param(
            replace(FACTS, ledger=line("prepared", "2026-11-25T12:59:00Z", "sha256:other")),
            [("image in the ledger", "sha256:other", "refuse")],
            id="the ledger names another digest",
        ),
        pytest.param(
            having(replace(WEB, image_id="sha256:2")),
            [("image that runs in its container", "sha256:2", "refuse")],
            id="the engine runs another image under that name",
        ),
    ],
)
def test_another_image_is_told(facts: HostFacts, seen: list[tuple[str, str, str]]):
    assert wrong(identity_checks(facts, RELEASE, "web")) == seen


LATER = "2026-11-25T13:00:05.2Z"


@pytest.mark.parametrize(
    ("facts", "limits", "seen"),
    [
        pytest.param(FACTS, Limits(), [], id="nothing started again"),
        pytest.param(
            having(replace(WEB, restarts=2), CADDY),
            Limits(),
            [("restarts since the activation", "web-r12 2", "refuse")],
            id="the release's own container did",
        ),
        pytest.param(
            having(replace(WEB, restarts=2)), Limits(restarts=2), [], id="that is allowed"
        ),
        pytest.param(having(WEB, replace(CADDY, restarts=3)), Limits(), [], id="long ago"),
        pytest.param(
            having(WEB, replace(CADDY, restarts=3, started_at=LATER)),
            Limits(),
            [("restarts since the activation", "caddy 3", "refuse")],
            id="another one did since",
        ),
        pytest.param(
            having(replace(WEB, oom_killed=True)),
            Limits(),
            [("killed for want of memory", "web-r12", "refuse")],
            id="the release ran out of memory",
        ),
        pytest.param(
            having(WEB, replace(CADDY, oom_killed=True)), Limits(), [], id="another one long ago"
        ),
        pytest.param(
            replace(having(WEB, replace(CADDY, restarts=1)), ledger=""),
            Limits(),
            [],
            id="without a ledger nobody knows since when",
        ),
    ],
)
def test_what_started_again_since_the_activation(
    facts: HostFacts, limits: Limits, seen: list[tuple[str, str, str]]
):
    assert wrong(stability_checks(facts, RELEASE, limits)) == seen


@pytest.mark.parametrize(
    ("disk", "memory", "skew_s", "seen"),
    [
        (512, 64, 30.0, []),
        (512, 64, None, []),
        (511, 64, 0.0, [("disk free on the host", "511 MiB", "warn")]),
        (512, 63, 0.0, [("memory available on the host", "63 MiB", "refuse")]),
        (512, 64, -31.4, [("clock of the host", "-31 s", "warn")]),
    ],
)
def test_room_and_time(
    disk: int, memory: int, skew_s: float | None, seen: list[tuple[str, str, str]]
):
    figures = Figures(disk * MIB, memory * MIB, 0.0)

    assert wrong(room_checks(figures, skew_s, Limits())) == seen


PREPARED = line("prepared", "2026-11-25T12:59:00Z")


@pytest.mark.parametrize(
    ("facts", "nothing"),
    [
        pytest.param(HostFacts(), True, id="never prepared"),
        pytest.param(HostFacts(containers=(CADDY,)), True, id="what people started themselves"),
        pytest.param(
            HostFacts(ledger=PREPARED, releases={12: "{}"}, containers=(WEB,)),
            True,
            id="a first deploy that did not come to serve",
        ),
        pytest.param(HostFacts(ledger=LEDGER), False, id="made to serve once"),
        pytest.param(HostFacts(live="web-r12"), False, id="requests go there"),
        pytest.param(HostFacts(current=12), False, id="the current one"),
        pytest.param(HostFacts(releases={12: "{}"}), False, id="the ledger is lost, a folder left"),
        pytest.param(HostFacts(containers=(WEB,)), False, id="all is lost, a container left"),
    ],
)
def test_whether_anything_was_ever_deployed(facts: HostFacts, nothing: bool):
    assert nothing_deployed(facts) == nothing


def test_only_a_service_that_is_still_to_be_looked_at_is_starting():
    assert is_starting(having(replace(WEB, health="starting"), CADDY))
    assert not is_starting(having(replace(WEB, status="exited", health="starting"), CADDY))
    assert not is_starting(having(WEB, replace(CADDY, service="nobody's", health="starting")))
