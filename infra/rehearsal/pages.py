"""Prefect's UI in a real browser, as the tests read it and as the pictures in `docs/` show it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from playwright.sync_api import sync_playwright

from infra.rehearsal.browser import program_of
from infra.rehearsal.pipeline import SERVER_PORT

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.sync_api import Page

    from infra.rehearsal.paths import Rehearsal

UI_INSIDE: Final = f"http://127.0.0.1:{SERVER_PORT}"
PATIENCE_S: Final = 60
"""How long a page may take to show something: on a busy machine, and while a run goes on."""


@contextmanager
def browsing(rehearsal: Rehearsal, *, width: int = 1280, height: int = 1000) -> Generator[Page]:
    """Yield a page of a browser that begins at Prefect's UI; only inside the pipeline.

    Args:
        rehearsal: a world that was stood up without a deploy, which provides the browser.
        width: of what is seen, in pixels.
        height: of what is seen, in pixels.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program_of(rehearsal))
        page = browser.new_page(
            base_url=UI_INSIDE,
            color_scheme="dark",
            viewport={"width": width, "height": height},
        )
        page.set_default_timeout(PATIENCE_S * 1000)
        yield page
        browser.close()


def run_page(flow_run_id: str, tab: str = "Logs") -> str:
    """Return the address of a run's page, with one of its tabs open."""
    return f"/runs/flow-run/{flow_run_id}?tab={tab.replace(' ', '+')}"


def form_page(deployment_id: str) -> str:
    """Return the address of the form in which a person starts a deployment's run."""
    return f"/deployments/deployment/{deployment_id}/run"


def artifact_page(artifact_id: str) -> str:
    """Return the address of an artifact's page."""
    return f"/artifacts/artifact/{artifact_id}"
