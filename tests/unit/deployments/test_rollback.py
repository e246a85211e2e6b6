"""A rollback from a terminal is one of the environment's runs, for whoever is told or looks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from prefect.context import TagsContext
from prefect.states import Completed

import flows.rollback
from deployments import doctor, rollback
from deployments.entries import read_entries
from deployments.register import ROOT

if TYPE_CHECKING:
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.objects import State


class _Flow:
    """Stands for the flow: it remembers the tags that its run would get."""

    name = flows.rollback.rollback.name
    tags: frozenset[str] = frozenset()

    def __call__(self, *_: object, **__: object) -> State[None]:
        self.tags = frozenset(TagsContext.get().current_tags)
        return Completed(message="release 3 serves")


@pytest.fixture
def flow(monkeypatch: pytest.MonkeyPatch) -> _Flow:
    stand_in = _Flow()
    monkeypatch.setattr(flows.rollback, "rollback", stand_in)
    monkeypatch.setattr(rollback, "server_answers", lambda: True)
    return stand_in


@pytest.mark.parametrize("environment", ["production", "rehearsal"])
def test_its_run_has_the_tags_of_its_deployment(environment: str, flow: _Flow):
    (entry,) = (
        one
        for one in read_entries(ROOT / "prefect.yaml", environment)
        if one.entrypoint == "flows.rollback.rollback"
    )

    assert rollback.main(["--reason", "a test", "--environment", environment]) == 0

    assert flow.tags == set(entry.tags)


class _Api:
    """A server with one run at work, which no deployment started."""

    def __init__(self) -> None:
        self.asked: list[FlowRunFilter] = []

    def read_flow_runs(self, *, flow_run_filter: FlowRunFilter) -> list[Any]:
        self.asked.append(flow_run_filter)
        return [SimpleNamespace(name="rollback rehearsal", state_name="Paused", id=7)]


def test_who_is_at_work_is_found_by_the_environments_tag():
    api: Any = _Api()

    assert doctor.runs_at_work("rehearsal", api) == "rollback rehearsal (Paused, 7)"

    (asked,) = api.asked
    assert asked.tags.all_ == ["rehearsal"]
