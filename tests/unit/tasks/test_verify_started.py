"""What verify judges of the services beside the switched one, which start while it looks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import tasks.evidence
from rollout.executors.files import read_environment
from rollout.model.host import Container, Figures, HostFacts

if TYPE_CHECKING:
    import pytest

SETTINGS = read_environment("rehearsal")
COMPOSE = "services:\n  search: {image: typesense}\n"
SEARCH = Container("search", "search", "running", "healthy")
READY = HostFacts(compose=COMPOSE, containers=(SEARCH,), figures=Figures(1, 1, 0.0))
STARTING = replace(READY, containers=(replace(SEARCH, health="starting"),))
HOST: Any = None


def started(
    monkeypatch: pytest.MonkeyPatch, seen: list[HostFacts | None], wait_s: float
) -> HostFacts | None:
    monkeypatch.setattr(tasks.evidence, "_facts", lambda *_: seen.pop(0))
    monkeypatch.setattr(tasks.evidence, "pause", lambda _: None)
    return tasks.evidence._started(HOST, SETTINGS, [], wait_s)[0]


def test_a_service_that_starts_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    assert started(monkeypatch, [STARTING, STARTING, READY], 60) == READY


def test_what_is_refused_already_and_what_is_not_seen_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
):
    assert started(monkeypatch, [STARTING], 0) == STARTING
    assert started(monkeypatch, [None], 60) is None
