"""What GitHub is told in the end, whichever way a run ends."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from prefect.exceptions import TerminationSignal

import tasks.on_github
from rollout.errors import CancelAsked, RolloutError, VerificationFailed
from rollout.executors.files import read_environment

if TYPE_CHECKING:
    from rollout.model.announcement import Outcome

SETTINGS = read_environment("production")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(None, "success", id="a release serves"),
        pytest.param(
            VerificationFailed("sick", left="Left.", next_step="Next."), "failure", id="it failed"
        ),
        pytest.param(CancelAsked("asked", next_step="Next."), "inactive", id="a late cancel"),
        pytest.param(TerminationSignal(15), "inactive", id="a cancel that ends the run at once"),
    ],
)
def test_the_last_word_says_how_the_run_ended(
    monkeypatch: pytest.MonkeyPatch, error: BaseException | None, told: Outcome
):
    said: list[Outcome] = []
    telling = type("Telling", (), {"end": lambda _, outcome: said.append(outcome)})()
    assert SETTINGS.github is not None
    github = SETTINGS.github.model_copy(update={"deployments": True})
    settings = SETTINGS.model_copy(update={"github": github})
    monkeypatch.setattr(tasks.on_github, "read_environment", lambda _: settings)
    monkeypatch.setattr(tasks.on_github, "_Telling", lambda *_: telling)

    shown = tasks.on_github.shown_on_github("production", "deploy")
    with suppress(RolloutError, TerminationSignal), shown:
        if error is not None:
            raise error

    assert said == [told]
