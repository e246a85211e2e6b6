"""Asks a person, in Prefect's UI, what evidence alone does not decide."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING, Any, Literal
from uuid import uuid4

from httpx import HTTPError
from prefect import get_client, get_run_logger, pause_flow_run
from prefect.context import FlowRunContext
from prefect.exceptions import FlowPauseTimeout, ObjectNotFound, PrefectException
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.settings import get_current_settings
from prefect.states import Running
from pydantic import Field

from rollout.executors.clock import later_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from uuid import UUID

    from prefect.client.schemas.objects import State

ASKS = "trovella.asks"
"""The label of a run that asks: what, until when, and what to do, for whoever is told of it."""
POLL_S = 2
"""How often Prefect is asked for the answer, in seconds."""

SPARE_S = 120
"""How much later than us Prefect would end the question, in seconds.

Its server shows a run `Failed` whose pause has ended by itself, although its process goes on; so we
end the question first, with room for a server that is slow to answer.
"""


class Decision(RunInput):
    """The form in the UI.

    Attributes:
        verdict: Whether the release goes on serving.
        why: What the person has seen.
        who: Who decides.
    """

    verdict: Literal["refuse", "go"] = "refuse"
    why: str = Field(min_length=1, description="what you have seen")
    who: str = Field(min_length=1, description="who decides")


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked.

    Attributes:
        gist: The question in a sentence, for whoever is called.
        known: The question and what is known, as markdown, above the form.
        otherwise: What happens without an answer, to be read after "without an answer".
    """

    gist: str
    known: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was decided.

    Attributes:
        verdict: Whether the release goes on serving.
        told: By whom and why, as a lower-case fragment.
    """

    verdict: Literal["refuse", "go"]
    told: str


def ask(question: Question, within_s: int, default: Literal["refuse", "go"]) -> Answer:
    """Return what a person decides within the time, or else the default.

    To be called from a flow. The run is `Paused` meanwhile, and its process goes on: a lease that
    it holds stays held. Whoever the environment tells of its runs is told
    (`deployments/notifications.py`).

    Args:
        question: What is to be decided.
        within_s: How long there is to answer, in seconds; 0 asks nobody.
        default: What holds when nobody can be asked, or nobody answers.
    """
    nobody = _why_nobody() if within_s else "the environment's file says that nobody is asked"
    if nobody:
        get_run_logger().warning("nobody is asked (%s): %s", nobody, default)
        return Answer(default, f"nobody was asked, because {nobody}")
    _come_back()
    form = Decision.with_initial_data(description=question.known)
    until = later_utc(within_s)
    _label(_told(question, until, "the run"))
    # What Prefect logs next says neither what is asked nor where: a terminal shows nothing else.
    get_run_logger().warning(_told(question, until, str(flow_run.ui_url or "the run")))
    try:
        with _ending_in(within_s):
            # A key of its own: with Prefect's, a run that is tried again would take the earlier
            # answer.
            said = pause_flow_run(
                wait_for_input=form,
                timeout=within_s + SPARE_S,
                poll_interval=POLL_S,
                key=uuid4().hex,
            )
    except (FlowPauseTimeout, ObjectNotFound, ValueError):
        # A cancel that comes too late makes the run go on without an answer.
        _go_on()
        return Answer(default, f"nobody answered within {within_s} s")
    return Answer(said.verdict, f"{said.who}: {said.why}")


def _why_nobody() -> str:
    """Return why no person would see the question; empty when one may."""
    if get_current_settings().api.url is None:
        return "the run has no server with a UI"
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or context.flow_run.auto_scheduled:
        return "a schedule started the run"
    return ""


def _told(question: Question, until: str, where: str) -> str:
    return (
        f"{question.gist}\n"
        f"left: The run waits until {until}; without an answer {question.otherwise}.\n"
        f"next: Open {where}, read what is known, and answer with Resume."
    )


def _label(told: str) -> None:
    """Write on the run what it is about to ask: its state, which Prefect makes, has no words."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(context.flow_run.id, {ASKS: told})


@contextmanager
def _ending_in(seconds: int) -> Generator[None]:
    """Let the run that is asking inside go on after a time, without an answer."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        yield
        return
    timer = Timer(seconds, copy_context().run, (_end, context.flow_run.id))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(run_id: UUID) -> None:
    """End a question that nobody has answered; where that fails, Prefect ends it a little later."""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(run_id).state
            # An answer, or a cancel, that came meanwhile is not taken back.
            if state is not None and state.is_paused():
                client.set_flow_run_state(run_id, Running(), force=True)
    except (HTTPError, PrefectException) as error:
        get_run_logger().warning("the question could not be ended yet: %s", error)


def _go_on() -> None:
    """Let the run be `Running` again where Prefect has ended the question, and shows otherwise."""
    _run_where(lambda state: state is None or not state.is_running())


def _come_back() -> None:
    """Let a run be `Running` again that was called `Crashed` while nobody could hear of it.

    Prefect lets no run pause that is over.
    """
    _run_where(lambda state: state is not None and state.is_crashed())


def _run_where(state_is: Callable[[State[Any] | None], bool]) -> None:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    with get_client(sync_client=True) as client:
        if state_is(client.read_flow_run(context.flow_run.id).state):
            client.set_flow_run_state(context.flow_run.id, Running(), force=True)
