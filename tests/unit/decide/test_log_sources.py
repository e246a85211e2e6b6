"""Whose logs are compared with whose."""

from __future__ import annotations

from rollout.decide.log_sources import LogSources, log_sources
from rollout.ledger import Entry, render_entry
from rollout.model.host import Container, HostFacts
from rollout.render.compose import render_compose
from tests.support.values import APPLICATION, COMPOSE, release

RELEASE = release(12, "a")


def line(number: int, event: str, at: str) -> str:
    entry = Entry(number, event, "a" * 40, f"sha256:{'a' * 64}")  # pyright: ignore[reportArgumentType]
    return f'{{"at": "{at}", {render_entry(entry)[1:]}\n'


ELEVEN = line(11, "prepared", "2026-11-25T11:00:00Z") + line(
    11, "activated", "2026-11-25T11:01:00Z"
)
TWELVE = line(12, "prepared", "2026-11-25T12:00:00Z") + line(
    12, "activated", "2026-11-25T12:01:00Z"
)


def facts(ledger: str, *containers: Container) -> HostFacts:
    compose = render_compose(COMPOSE, APPLICATION, RELEASE)
    return HostFacts(ledger=ledger, compose=compose, containers=containers)


NEW = Container("trovella-web-r12-1", "web-r12", "running", release=12)
OLD = Container("trovella-web-r11-1", "web-r11", "exited", release=11)
CADDY = Container("trovella-caddy-1", "caddy", "running")


def test_the_switched_service_is_compared_with_the_release_before_and_others_with_themselves():
    sources = log_sources(facts(ELEVEN + TWELVE, NEW, OLD, CADDY), RELEASE, "web")

    assert sources == LogSources(
        "2026-11-25T12:01:00Z",
        (
            ("caddy", "trovella-caddy-1", "trovella-caddy-1"),
            ("web", "trovella-web-r12-1", "trovella-web-r11-1"),
            ("cloud-sql-proxy", "", ""),
            ("typesense", "", ""),
            ("inngest", "", ""),
        ),
    )


def test_the_first_release_has_none_before_it():
    sources = log_sources(facts(TWELVE, NEW), RELEASE, "web")

    assert sources is not None
    assert ("web", "trovella-web-r12-1", "") in sources.containers


def test_a_release_that_the_ledger_does_not_call_the_last_has_no_time_to_compare_with():
    assert log_sources(facts("", NEW), RELEASE, "web") is None
    assert log_sources(facts(ELEVEN, NEW), RELEASE, "web") is None
