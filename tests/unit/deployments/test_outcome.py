"""What a run came to, as people and machines read it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deployments import trigger
from deployments.outcome import (
    Outcome,
    TaskOutcome,
    order_tasks,
    plain_message,
    render_line,
    render_summary,
)

STARTED, ENDED = "2026-11-22T10:00:01+00:00", "2026-11-22T10:00:43+00:00"
QUALITY = TaskOutcome("quality", "Completed", STARTED, ENDED, 42.0)
PLAN = TaskOutcome("migrate-prod", "Skipped", ENDED, ENDED, 0.1)
VERIFY = TaskOutcome("verify", "NotReady", "", "", 0.0)
RUN = Outcome(
    flow_run_id="8d4c",
    name="deploy 1234567 to production",
    state="Completed",
    state_type="COMPLETED",
    message="",
    url="https://prefect.trovella.ai/runs/flow-run/8d4c",
    tasks=(QUALITY, PLAN),
    seconds=61.4,
)


def test_a_run_without_a_message_is_a_table():
    assert render_summary(RUN) == (
        "### ✅ deploy 1234567 to production: Completed\n"
        "\n"
        "[The run in Prefect](https://prefect.trovella.ai/runs/flow-run/8d4c), 61 s\n"
        "\n"
        "| task | state | seconds |\n"
        "| --- | --- | ---: |\n"
        "| quality | Completed | 42.0 |\n"
        "| migrate-prod | Skipped | 0.1 |\n"
    )


def test_a_failed_run_tells_its_message_as_it_is():
    failed = replace(RUN, state="Failed", state_type="FAILED", message="a | b\nleft: ```x")

    told = render_summary(failed)

    title = "### ❌ deploy 1234567 to production: Failed"
    assert told.startswith(f"{title}\n\n```text\na | b\nleft: '''x\n```\n")


def test_a_name_cannot_break_the_table():
    odd = replace(QUALITY, name="a|b\nc")

    assert "| a\\|b c | Completed | 42.0 |" in render_summary(replace(RUN, tasks=(odd,)))


def test_the_line_holds_what_the_rehearsal_reads():
    assert json.loads(render_line(RUN)) == {
        "flow_run_id": "8d4c",
        "name": "deploy 1234567 to production",
        "state": "Completed",
        "message": "",
        "url": "https://prefect.trovella.ai/runs/flow-run/8d4c",
        "tasks": [
            {"name": "quality", "state": "Completed", "start": STARTED, "end": ENDED,
             "seconds": 42.0},
            {"name": "migrate-prod", "state": "Skipped", "start": ENDED, "end": ENDED,
             "seconds": 0.1},
        ],
        "seconds": 61.4,
    }  # fmt: skip


def test_tasks_stand_in_the_order_of_their_start_and_idle_ones_last():
    assert order_tasks([VERIFY, PLAN, QUALITY]) == (QUALITY, PLAN, VERIFY)


def test_prefects_own_words_are_taken_from_a_message():
    told = "Flow run encountered an exception: VerificationFailed: it is down\nleft: Nothing."

    assert plain_message(told) == "it is down\nleft: Nothing."
    assert (
        plain_message("Deployment concurrency limit reached.")
        == "Deployment concurrency limit reached."
    )
    assert plain_message(None) == ""


@pytest.mark.parametrize(
    ("state", "told"),
    [("Completed", False), ("NothingDeployed", True), ("Skipped", True), ("Failed", True)],
)
def test_a_run_that_did_not_simply_complete_says_why(
    state: str, told: bool, capsys: pytest.CaptureFixture[str]
):
    trigger.report(replace(RUN, state=state, message="the reason"), as_json=False)

    assert ("\nthe reason\n" in capsys.readouterr().err) == told
