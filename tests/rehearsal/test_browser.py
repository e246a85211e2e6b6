"""What a person sees in Prefect's UI, in a real browser: the form, a good run, a failed one.

Runs that earlier tests left are looked at; only what is missing is run here. Words are asserted,
not pixels.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from prefect.client.schemas.sorting import ArtifactSort, FlowRunSort

from infra.rehearsal.pages import PATIENCE_S, artifact_page, browsing, form_page, run_page
from rollout.render.form import choices_of
from tests.support.world import commit, rehearsal, trigger

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.client.schemas.objects import Artifact, FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def page() -> Generator[Page]:
    expect.set_options(timeout=PATIENCE_S * 1000)
    with browsing(rehearsal()) as opened:
        yield opened


def rollback_deployment() -> DeploymentResponse:
    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name("rollback/rehearsal")


def offered() -> tuple[str, ...]:
    return choices_of(rollback_deployment().parameter_openapi_schema or {})


def newest_deploy(state: str) -> FlowRun | None:
    """Return the newest deploy that ended so and said why, or None.

    Of those that went well, one whose report has a picture: a retried run may have looked at
    nothing while it switched, because the run before it had switched already.
    """
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["deploy"])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(name=FlowRunFilterStateName(any_=[state]))
            ),
            sort=FlowRunSort.END_TIME_DESC,
            limit=50,
        )
    wanted = {"Completed": " serves at ", "Failed": "\nleft: "}[state]
    told = (one for one in found if one.state and wanted in (one.state.message or ""))
    return next((one for one in told if state == "Failed" or has_picture(one)), None)


def has_picture(run: FlowRun) -> bool:
    """Return whether a run's report, as its page shows it, has the picture of the switch."""
    reports = shown(run, "release")
    return bool(reports) and "![" in str(reports[0].data)


def artifact(run: FlowRun, key: str) -> str:
    """Return the id of what a run has shown under a key."""
    found = shown(run, key)
    assert found, f"the run has no artifact {key}"
    return str(found[0].id)


def shown(run: FlowRun, key: str) -> list[Artifact]:
    """Return what a run has shown under a key, the newest first."""
    with get_client(sync_client=True) as client:
        return client.read_artifacts(
            artifact_filter=ArtifactFilter(
                key=ArtifactFilterKey(any_=[key]),
                flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]),
            ),
            sort=ArtifactSort.CREATED_DESC,
        )


def deploy_next() -> None:
    run = trigger("deploy", commit=commit())
    assert run.exit_code == 0, run.log


@pytest.fixture(scope="module")
def choices() -> tuple[str, ...]:
    """Return what the form offers: two releases at least, so that their order can be seen."""
    while len(offered()) < 2:
        deploy_next()
    return offered()


@pytest.fixture(scope="module")
def good() -> FlowRun:
    """Return a deploy that went well."""
    if newest_deploy("Completed") is None:
        deploy_next()
    found = newest_deploy("Completed")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def failed() -> FlowRun:
    """Return a deploy that failed with a message in three parts."""
    if newest_deploy("Failed") is None:
        trigger("deploy", commit="0" * 40)
    found = newest_deploy("Failed")
    assert found is not None
    return found


def open_tab(page: Page, name: str) -> None:
    page.locator(".p-tab", has_text=name).first.click()


def test_the_form_lists_what_can_be_gone_back_to_newest_first(page: Page, choices: tuple[str, ...]):
    page.goto(form_page(str(rollback_deployment().id)))

    chooser = page.locator(".schema-form-property", has_text="The release: its number").locator(
        ".p-select-button__control"
    )
    chooser.focus()
    page.keyboard.press("ArrowDown")
    options = page.get_by_role("option")
    expect(options.filter(has_text=re.compile("^[0-9]"))).to_have_count(len(choices))

    listed = [text for text in options.all_inner_texts() if text.strip()]
    assert tuple(listed) == choices
    numbers = [int(text.split()[0]) for text in listed]
    assert numbers == sorted(numbers, reverse=True)


def test_a_release_that_is_not_in_the_list_is_refused_in_the_form(
    page: Page, choices: tuple[str, ...]
):
    page.goto(form_page(str(rollback_deployment().id)))
    page.locator(".p-icon-button-menu button").first.click()
    page.get_by_text("Use JSON input").click()
    asked = {"reason": "a test", "environment": "rehearsal", "to": "fffffff"}
    page.locator("textarea.p-code-input__textarea").fill(json.dumps(asked))
    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_text("'fffffff' is not one of").last).to_be_visible()
    assert page.url.endswith("/run")


def test_the_page_of_a_good_deploy_shows_its_log_and_what_it_left(page: Page, good: FlowRun):
    page.goto(run_page(str(good.id)))

    expect(page.locator("body")).to_contain_text(re.compile(r"deploy [0-9a-f]{12} to rehearsal"))
    expect(page.get_by_text("Finished in state Completed()").first).to_be_visible()
    open_tab(page, "Artifacts")
    for key in ("release", "verify", "ways-back-rehearsal", "state-rehearsal", "migrations"):
        expect(page.get_by_text(key, exact=True).first).to_be_visible()
    open_tab(page, "Details")
    assert good.state is not None
    expect(page.get_by_text(str(good.state.message)).first).to_be_visible()


def test_the_report_has_the_picture_of_the_switch(page: Page, good: FlowRun):
    page.goto(artifact_page(artifact(good, "release")))

    expect(page.get_by_role("heading", name=re.compile(r"^Release \d+ serves$"))).to_be_visible()
    picture = page.get_by_role("img", name=re.compile(r"\d+ requests in .* s, \d+ lost; "))
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 100")
    row = page.get_by_role("row", name="health from outside")
    expect(row).to_contain_text("healthy (HTTP 200)")


def test_whether_a_check_is_met_is_never_cut_off(page: Page, good: FlowRun):
    page.goto(artifact_page(artifact(good, "release")))

    heading = page.get_by_role("columnheader", name="seen")
    expect(heading).to_be_visible()
    right = heading.evaluate("one => one.getBoundingClientRect().right")
    room = heading.evaluate("one => one.closest('.p-table').getBoundingClientRect().right")
    assert right <= room
    expect(page.get_by_role("row").nth(1).get_by_role("cell").first).to_have_text("yes")


def test_the_ways_back_are_a_table(page: Page, good: FlowRun):
    page.goto(artifact_page(artifact(good, "ways-back-rehearsal")))

    expect(page.get_by_role("heading", name="What rehearsal can go back to")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="serves").first).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="yes").first).to_be_visible()


def test_the_page_of_a_failed_deploy_says_it_in_three_parts(page: Page, failed: FlowRun):
    assert failed.state is not None
    told = str(failed.state.message)
    page.goto(run_page(str(failed.id)))
    open_tab(page, "Details")
    page.get_by_text("See More").first.click()

    said = page.locator("body")
    for part in ("left: ", "next: "):
        line = told.split(f"\n{part}")[1].splitlines()[0]
        expect(said).to_contain_text(f"{part}{line}")
