"""A corrective migration from one end to the other: drafted, planned, run on a copy, judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollout.config import Migrations
from rollout.executors.corrective import make_corrective
from rollout.model.command import Secret
from rollout.model.finding import Go, Refuse
from rollout.model.judgement import Grade
from rollout.model.target import DatabaseAddress
from tests.support.contract_lab import Change, Lab, contract_lab
from tests.support.database import folder
from tests.support.world import facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rollout.decide.corrective import Corrective
    from tests.support.database import Scratch

pytestmark = pytest.mark.rehearsal

FIRST = "create table drizzles_own (id int)"
V0 = {
    "meta/_journal.json": b'{"version": "7", "dialect": "postgresql", "entries": '
    b'[{"idx": 0, "when": 1000, "tag": "0000_step"}]}',
    "0000_step.sql": FIRST.encode(),
}
DROPPED = Change("a column is dropped", "alter table users drop column bio", Grade.BREAK)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with contract_lab() as lab:
        yield lab


def made(lab: Lab, live: Scratch, files: Mapping[str, bytes]) -> Corrective:
    server = DatabaseAddress(Secret(facts()["database_admin_url"]))
    settings = Migrations(folder="drizzle", role=lab.app)
    return make_corrective(lab.contract, live.address, server, files, settings, print)


def refused_by(one: Corrective) -> list[str]:
    assert isinstance(one.verdict, Refuse), one.draft.describe()
    return [finding.rule for finding in one.verdict.findings]


def test_a_dropped_column_comes_back_and_what_stays_lost_is_said(lab: Lab):
    with lab.changed(DROPPED) as live:
        live.apply(folder(FIRST))
        one = made(lab, live, V0)
        live_now = lab.read(live).relation("public.users")

    assert isinstance(one.verdict, Go), one.verdict
    assert [finding.rule for finding in one.verdict.findings] == ["corrective-lost"]
    assert list(one.files) == ["0001_corrective.sql", "meta/_journal.json"]
    assert 'alter table public.users add column "bio" text;' in one.files["0001_corrective.sql"]
    assert live_now is not None
    assert live_now.column("bio") is None


def test_without_a_folder_the_files_are_those_of_the_newer_layout(lab: Lab):
    with lab.changed(DROPPED) as live:
        one = made(lab, live, {})

    assert isinstance(one.verdict, Go), one.verdict
    assert [path.partition("_")[2] for path in one.files] == ["corrective/migration.sql"]


def test_what_has_no_draft_is_refused_with_the_reason(lab: Lab):
    change = Change("another type", "alter table posts alter rating type text", Grade.BREAK)
    with lab.changed(change) as live:
        one = made(lab, live, {})

    assert refused_by(one) == ["corrective-no-draft"]
    assert one.files == {}


def test_a_folder_that_is_ahead_of_the_database_is_refused(lab: Lab):
    with lab.changed(DROPPED) as live:
        one = made(lab, live, V0)

    assert refused_by(one) == ["corrective-not-alone"]
    assert "0001_corrective.sql" in one.files


def test_a_draft_that_leaves_a_key_unnamed_is_refuted_by_a_statement(lab: Lab):
    change = Change(
        "a column and a key gone",
        "alter table users drop column bio; alter table users drop constraint users_email_key",
        Grade.BREAK,
    )
    with lab.changed(change) as live:
        one = made(lab, live, {})

    assert set(refused_by(one)) == {"corrective-refuted"}


def test_nothing_broken_needs_no_file(lab: Lab):
    with lab.changed(Change("nothing", "select 1", Grade.OK)) as live:
        one = made(lab, live, {})

    assert (one.files, one.draft.restored) == ({}, ())
    assert isinstance(one.verdict, Go)
