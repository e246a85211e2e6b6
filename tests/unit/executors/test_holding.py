"""What is told to somebody who finds a target held: commands that name the environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from rollout.commands.lease import BUSY
from rollout.errors import HeldBack, LeaseHeld
from rollout.executors.hold import hold
from rollout.executors.lease import hold_lease
from rollout.model.command import Command, Result
from rollout.model.lease import Claim
from tests.support.values import LAYOUT

if TYPE_CHECKING:
    from rollout.executors.host import Host

ADA = {"owner": "ada", "since": "2026-11-23T08:00:00Z"}
RUN = {**ADA, "link": "https://prefect.example/runs/1"}
CLAIM = Claim("token", "bob", "a fix")
FREE = "bin/release-hold --environment staging"


class Says:
    """A host, and the stream of a program there, that always says the same line."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.fence: object = None

    def run(self, command: Command) -> Result:
        return Result(command, BUSY, f"{self.line}\n", "", 0.1)

    def stream(self, _command: Command) -> Says:
        return self

    def write(self, text: str) -> None: ...

    def read_line(self, _timeout_s: float) -> str:
        return self.line

    def end(self) -> None: ...

    def log(self, line: str) -> None: ...


def says(word: str, who: dict[str, str]) -> Host:
    return cast("Host", Says(f"{word} {json.dumps(who)}"))


@pytest.mark.parametrize(
    ("word", "who", "told"),
    [
        ("holder", RUN, f"{RUN['link']}, for instance with `bin/hold --reason WHY --environment"),
        ("holder", ADA, "Wait for ada, for instance with `bin/hold --reason WHY --environment"),
        ("hold", ADA, f"Ask them, or release it first: {FREE}."),
    ],
)
def test_who_cannot_hold_is_told_how_to_wait_or_to_release(
    word: str, who: dict[str, str], told: str
):
    with pytest.raises(LeaseHeld) as caught:
        hold(says(word, who), LAYOUT, CLAIM, "staging", wait_s=0, for_s=0)

    assert told in caught.value.next_step
    assert "--environment staging" in caught.value.next_step


@pytest.mark.parametrize(
    ("word", "error"),
    [
        pytest.param("on-hold", HeldBack, id="held back"),
        pytest.param("busy", LeaseHeld, id="waited in vain for a holder without a page"),
    ],
)
def test_a_run_that_does_not_get_the_target_is_told_how_deploys_go_on(
    word: str, error: type[HeldBack | LeaseHeld]
):
    with (
        pytest.raises(error) as caught,
        hold_lease(says(word, ADA), LAYOUT, CLAIM, wait_s=0.01, environment="staging"),
    ):
        pytest.fail("the target is held")

    assert f"`{FREE}`" in caught.value.next_step
