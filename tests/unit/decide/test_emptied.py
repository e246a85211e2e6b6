"""Whether a database that holds no migration may be the one of what serves."""

from __future__ import annotations

from dataclasses import replace

from rollout.decide.emptied import EMPTIED, judge_emptied, what_needs_rows
from rollout.model.finding import Go, Refuse
from rollout.model.host import HostFacts, MachineFacts
from rollout.render.release import render_release
from tests.support.values import release

NOTHING, ADOPTED = MachineFacts("deploy"), MachineFacts("deploy", serves=True)


def host_with(*migrations: str) -> HostFacts:
    one = replace(release(7), migrations=migrations)
    return HostFacts(current=7, releases={7: render_release(one)})


def test_a_release_with_migrations_needs_a_database_that_holds_some():
    told = what_needs_rows(NOTHING, host_with("0000_begin", "0001_more"))

    assert told == "release 7, which serves, was made with 2 migrations"
    assert what_needs_rows(NOTHING, host_with()) == ""


def test_a_host_that_somebody_else_made_serve_needs_one_too():
    assert what_needs_rows(ADOPTED, HostFacts()).startswith("the host serves already")
    assert what_needs_rows(NOTHING, HostFacts()) == ""


def test_an_empty_database_is_refused_where_something_serves():
    verdict = judge_emptied("release 7 serves", "the database", 0, ())

    assert isinstance(verdict, Refuse)
    (finding,) = verdict.findings
    assert finding.rule == EMPTIED == "database-empty"
    assert finding.consequence == "release 7 serves, and the database holds none"
    assert "`accept` naming database-empty" in finding.help


def test_it_may_be_accepted_and_is_told_then():
    verdict = judge_emptied("release 7 serves", "the database", 0, (EMPTIED,))

    assert isinstance(verdict, Go)
    assert verdict.findings[0].consequence.startswith("accepted: ")


def test_a_database_with_rows_or_a_bare_host_passes():
    assert judge_emptied("release 7 serves", "the database", 1, ()) == Go()
    assert judge_emptied("", "the database", 0, ()) == Go()
