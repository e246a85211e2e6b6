"""What the stand-in for GitHub shows of a run."""

from __future__ import annotations

from infra.rehearsal.github_rules import fresh, shown


def test_what_is_shown_of_a_run_is_its_own_deployment():
    document = fresh("ghp_of_a_test")
    for number, stages in enumerate((["in_progress", "success"], ["in_progress", "failure"], [])):
        document["deployments"].append(
            {
                "id": number,
                "ref": "c0ffee123456789",
                "environment": "rehearsal",
                "payload": {"run": f"run {number}"},
                "statuses": [{"state": stage} for stage in stages],
            }
        )

    assert shown(document, "run 1") == "deployment 1 of c0ffee123456 to rehearsal: failure"
    assert shown(document, "run 2").endswith("rehearsal: nobody has said how far")
    assert shown(document, "run 3") == ""
