"""`bin/screenshots`: the pictures of Prefect's UI that the README shows, of the newest runs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prefect import get_client
from prefect.client.schemas.filters import ArtifactCollectionFilter, ArtifactCollectionFilterKey

from infra.rehearsal.pages import artifact_page, browsing, form_page, run_page
from infra.rehearsal.paths import Rehearsal

if TYPE_CHECKING:
    from playwright.sync_api import Page

ENVIRONMENT: Final = "rehearsal"
DOCUMENTS: Final = Path("docs")
SETTLING_MS: Final = 8000
"""A run's tasks are drawn last, in software, and move into their places."""


def main() -> int:
    """Take all pictures; return 0."""
    world = json.loads(Path(os.environ["REHEARSAL_WORLD"]).read_text(encoding="utf-8"))
    with get_client(sync_client=True) as client:
        keys = ["release", f"ways-back-{ENVIRONMENT}"]
        wanted = ArtifactCollectionFilter(key=ArtifactCollectionFilterKey(any_=keys))
        shown = {one.key: one for one in client.read_latest_artifacts(artifact_filter=wanted)}
        rollback = client.read_deployment_by_name(f"rollback/{ENVIRONMENT}")
    release, ways_back = (shown[key] for key in keys)
    with browsing(Rehearsal(world["name"])) as page:
        page.goto(run_page(str(release.flow_run_id)))
        page.get_by_text("Finished in state Completed()").first.wait_for()
        take(page, "run")
        page.goto(artifact_page(str(release.latest_id)))
        page.locator("img[alt*=requests]").wait_for()
        take(page, "release", height=1330)
        page.goto(artifact_page(str(ways_back.latest_id)))
        page.get_by_role("table").first.wait_for()
        take(page, "ways-back", height=560)
        page.goto(form_page(str(rollback.id)))
        chooser = page.locator(".p-select-button__control").first
        chooser.focus()
        page.keyboard.press("ArrowDown")
        page.get_by_role("option").first.wait_for()
        take(page, "rollback-form")
    return 0


def take(page: Page, name: str, *, height: int = 1000) -> None:
    """Write what is seen into a picture of `docs/`, and say so.

    Args:
        page: where the browser is.
        name: of the picture.
        height: of what is seen, in pixels.
    """
    page.set_viewport_size({"width": 1280, "height": height})
    page.wait_for_timeout(SETTLING_MS)
    file = DOCUMENTS / f"{name}.png"
    page.screenshot(path=file)
    print(f"{file}: {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    sys.exit(main())
