"""A further host is prepared for a release, but not for one that it has and is to go back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tasks.on_host
from rollout.executors.files import read_environment
from rollout.model.host import HostFacts
from tests.support.values import release

if TYPE_CHECKING:
    import pytest

SETTINGS = read_environment("rehearsal")
BACK = release(1)
HAS_IT = HostFacts(releases={1: "{}"}, images={BACK.image.reference: "sha256:1"})
LOST_ITS_IMAGE = HostFacts(releases={1: "{}"})
HOST: Any = None


def prepared(monkeypatch: pytest.MonkeyPatch, found: HostFacts, leaves: int | None) -> list[str]:
    done: list[str] = []
    monkeypatch.setattr(tasks.on_host, "read_unprepared", lambda *_: found)
    monkeypatch.setattr(tasks.on_host, "prepare", lambda *_: done.append("prepared"))
    monkeypatch.setattr(tasks.on_host, "read", lambda *_: found)
    assert tasks.on_host._prepared(HOST, BACK, leaves, SETTINGS) == found
    return done


def test_a_rollback_needs_nothing_where_the_release_is(monkeypatch: pytest.MonkeyPatch):
    assert prepared(monkeypatch, HAS_IT, leaves=2) == []
    assert prepared(monkeypatch, LOST_ITS_IMAGE, leaves=2) == ["prepared"]


def test_a_deploy_always_sees_to_it(monkeypatch: pytest.MonkeyPatch):
    assert prepared(monkeypatch, HAS_IT, leaves=None) == ["prepared"]
