"""How a release's report says what is only told, and what nobody knows."""

from __future__ import annotations

import pytest

from rollout.model.finding import Assessment, Check, Finding, Go, Inconclusive, Refuse
from rollout.render.report import render_release_report
from tests.support.values import release

FINDING = Finding("x", "x is wrong", "there", "Look.")
CHECKS = (
    Check("redis", "ok", "not ok, as before the activation", ok=False, weight="warn"),
    Check("the host", "looked at", "could not be looked at", ok=False, weight="unknown"),
    Check("health", "healthy", "degraded", ok=False),
    Check("version", "a", "a", ok=True),
)


@pytest.mark.parametrize(
    ("verdict", "headline"),
    [
        (Go((FINDING,), CHECKS), "# Release 3 serves"),
        (Go(), "# Release 3 was not seen serving"),
        (Refuse((FINDING,), CHECKS), "# Release 3 was not seen serving"),
        (Inconclusive((FINDING,), CHECKS), "# Release 3 could not be verified"),
    ],
)
def test_the_headline_is_the_verdict(verdict: Assessment, headline: str):
    report = render_release_report(release(3), verdict, "https://trovella.ai", "web")

    assert report.splitlines()[0] == headline


def test_each_check_says_what_it_leads_to():
    report = render_release_report(release(3), Go((FINDING,), CHECKS), "https://x", "web")

    assert report.split("| --- | --- | --- | --- |\n")[1].split("\n\n")[0].splitlines() == [
        "| warning | redis | not ok, as before the activation | ok |",
        "| unknown | the host | could not be looked at | looked at |",
        "| NO | health | degraded | healthy |",
        "| yes | version | a | a |",
    ]
    assert report.splitlines()[2] == "- x is wrong. Look."
