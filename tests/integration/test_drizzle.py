"""The real Drizzle and we take over from each other, in both layouts and both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.database import Scratch, scratch_database
from tests.support.drizzle_project import Project, dump

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def database() -> Iterator[Scratch]:
    with scratch_database() as database:
        yield database


@pytest.fixture
def scratch(database: Scratch) -> Scratch:
    database.empty()
    return database


@pytest.fixture(scope="module", params=["v0", "v1"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder: Path = tmp_path_factory.mktemp(request.param)
    return Project(request.param, folder)


def rows(scratch: Scratch, project: Project) -> list[tuple[Any, ...]]:
    name = ", name" if project.journal(1).migrations[0].name else ""
    return scratch.ask(
        f"select id, hash, created_at{name} from drizzle.__drizzle_migrations order by id"
    )


def test_each_finds_nothing_to_do_after_the_other_and_both_leave_the_same(
    scratch: Scratch, project: Project
):
    journal = project.journal(2)
    assert (journal.problems, journal.warnings, len(journal.migrations)) == ((), (), 2)

    project.kit_migrates(scratch)
    theirs, their_rows = dump(scratch), rows(scratch, project)
    assert scratch.apply(journal) == []
    assert "CREATE TABLE public.tag" in theirs
    assert dump(scratch) == theirs

    scratch.empty()
    assert len(scratch.apply(journal)) == 2
    assert rows(scratch, project) == their_rows
    assert dump(scratch) == theirs
    project.kit_migrates(scratch)
    project.orm_migrates(scratch, 2)
    assert rows(scratch, project) == their_rows
    assert dump(scratch) == theirs


def test_what_one_began_the_other_finishes(scratch: Scratch, project: Project):
    project.orm_migrates(scratch, 2)
    whole, all_rows = dump(scratch), rows(scratch, project)

    scratch.empty()
    project.orm_migrates(scratch, 1)
    assert len(scratch.apply(project.journal(2))) == 1
    assert (dump(scratch), rows(scratch, project)) == (whole, all_rows)

    scratch.empty()
    assert len(scratch.apply(project.journal(1))) == 1
    project.kit_migrates(scratch)
    assert (dump(scratch), rows(scratch, project)) == (whole, all_rows)
