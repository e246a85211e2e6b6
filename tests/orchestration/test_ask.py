"""A question to a person: the form in the UI, no answer, and nobody there to be asked."""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest
from prefect import flow, resume_flow_run, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import StateType
from prefect.context import FlowRunContext
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings
from prefect.states import Crashed, Running

import tasks.ask
from rollout.model.finding import Finding, Inconclusive
from rollout.model.sight import Sight
from tasks.ask import Answer, Question, ask
from tasks.verify import _inconclusive
from tests.orchestration.prefect_server import Server, wait_until
from tests.support.values import release

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

QUESTION = Question(
    "shall it go on serving?", "the host could not be looked at", "it is left again"
)
LONG_S = 180


@flow(name="asking")
def asking(within_s: int, times: int = 1) -> list[Answer]:
    return [ask(QUESTION, within_s, "refuse") for _ in range(times)]


class Asked:
    """A run in a thread of its own, and what it came to."""

    def __init__(self, server: Server, within_s: int, times: int = 1) -> None:
        self.server = server
        self.answers: list[Answer] = []
        run: Callable[..., Any] = copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run, within_s, times), daemon=True)
        self._thread.start()

    def _run(self, within_s: int, times: int) -> None:
        self.answers = asking(within_s, times)

    def paused(self) -> UUID:
        """Wait until the run asks and return its id."""
        found: list[Any] = []
        kind = FlowRunFilterStateType(any_=[StateType.PAUSED])
        only = FlowRunFilter(state=FlowRunFilterState(type=kind))

        def asks() -> bool:
            found[:] = self.server.client.read_flow_runs(flow_run_filter=only)
            return bool(found)

        wait_until(asks, "a run that asks")
        return found[0].id

    def ended(self) -> list[Answer]:
        self._thread.join(LONG_S)
        assert not self._thread.is_alive()
        return self.answers


def test_a_person_decides_each_time_that_is_asked(server: Server):
    run = Asked(server, LONG_S, times=2)

    first = run.paused()
    logged = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[first]))

    def said() -> list[str]:
        return [line.message for line in server.client.read_logs(logged)]

    wait_until(lambda: any(QUESTION.gist in line for line in said()), "the question in the log")
    (asks,) = (line for line in said() if QUESTION.gist in line)
    lines = asks.splitlines()
    assert lines[0] == "shall it go on serving?"
    assert lines[1].startswith("left: The run waits until 20")
    assert lines[1].endswith("; without an answer it is left again.")
    assert lines[2].startswith("next: Open http")
    assert lines[2].endswith(f"/{first}, read what is known, and answer with Resume.")
    with pytest.raises(Exception, match="who"):
        resume_flow_run(first, run_input={"verdict": "go", "why": "seen"})
    resume_flow_run(first, run_input={"verdict": "go", "why": "it is up", "who": "ada"})
    wait_until(lambda: server.run_state(str(first)) != "Paused", "the answer to be taken")
    second = run.paused()
    resume_flow_run(second, run_input={"verdict": "refuse", "why": "down", "who": "ben"})

    assert run.ended() == [Answer("go", "ada: it is up"), Answer("refuse", "ben: down")]
    assert second == first


def test_without_an_answer_in_time_the_default_holds_and_the_run_goes_on(server: Server):
    run = Asked(server, 4)
    asked = run.paused()

    assert run.ended() == [Answer("refuse", "nobody answered within 4 s")]
    # What Prefect shows meanwhile is what a trigger, an alert and a Retry go by.
    states = server.client.read_flow_run_states(asked)
    told = [one.name for one in sorted(states, key=lambda one: one.timestamp)]
    assert told == ["Pending", "Running", "Paused", "Running", "Completed"]


def test_a_question_that_cannot_be_ended_is_ended_by_prefect(
    server: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tasks.ask, "SPARE_S", 0)
    monkeypatch.setattr(tasks.ask, "_end", lambda _: None)
    run = Asked(server, 4)
    asked = run.paused()

    assert run.ended() == [Answer("refuse", "nobody answered within 4 s")]
    assert server.run_state(str(asked)) == "Completed"


def test_a_run_that_is_made_to_go_on_without_an_answer_takes_the_default(server: Server):
    run = Asked(server, LONG_S)

    server.client.set_flow_run_state(run.paused(), Running(), force=True)

    assert [one.verdict for one in run.ended()] == ["refuse"]


def test_a_run_that_was_called_crashed_while_its_server_was_away_asks_all_the_same(
    server: Server,
):
    @flow(name="asking-again")
    def asking_again() -> Answer:
        context = FlowRunContext.get()
        assert context is not None
        assert context.flow_run is not None
        server.client.set_flow_run_state(context.flow_run.id, Crashed(), force=True)
        return ask(QUESTION, 1, "refuse")

    state = asking_again(return_state=True)

    assert state.result().told == "nobody answered within 1 s"
    assert state.is_completed()


def test_where_the_file_says_so_nobody_is_asked(server: Server):
    told = "nobody was asked, because the environment's file says that nobody is asked"

    assert asking(0) == [Answer("refuse", told)]


@flow(name="asking by a schedule")
def scheduled() -> Answer:
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    context.flow_run.auto_scheduled = True
    return ask(QUESTION, LONG_S, "go")


def test_a_schedule_asks_nobody(server: Server):
    assert scheduled() == Answer("go", "nobody was asked, because a schedule started the run")


@flow(name="asking without a server")
def alone() -> Answer:
    quiet: dict[Any, Any] = {PREFECT_LOGGING_TO_API_ENABLED: False}
    with temporary_settings(quiet, restore_defaults={PREFECT_API_URL}):
        return ask(QUESTION, LONG_S, "refuse")


def test_without_a_server_nobody_is_asked(server: Server):
    told = "nobody was asked, because the run has no server with a UI"

    assert alone() == Answer("refuse", told)


@task(task_run_name="verify", cache_policy=NO_CACHE, persist_result=True)
def unsure() -> Sight:
    finding = Finding("the-host", "the host could not be looked at", "the host", "Look.")
    return _inconclusive(release(3, "c"), Inconclusive((finding,)))


@flow(name="unsure", persist_result=True)
def being_unsure() -> tuple[str, Any]:
    state = unsure(return_state=True)
    return str(state.name), state.result()


def test_a_look_without_a_part_of_the_evidence_is_seen_as_inconclusive(server: Server):
    name, sight = being_unsure()

    assert name == "Inconclusive"
    assert sight == Sight(
        "release 3 (cccccccccccc) answers as it should", ("the host could not be looked at",)
    )
