"""The application's history: what each commit holds, and how each fault differs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import pytest

from infra.rehearsal.app import Fault, commit, create
from infra.rehearsal.shell import RehearsalError
from tests.support.application import (
    MIGRATIONS,
    changed_paths,
    check_out,
    edition,
    failing_checks,
    git,
    hashes,
    head,
    push_by_hand,
    read_journal,
    read_snapshots,
    serving,
)

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = "packages/health/src/settings.js"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "application.git"
    create(folder)
    return folder


# --- creating ---


def test_creating_twice_leaves_the_first_commit(tmp_path: Path):
    version = create(tmp_path / "application.git")
    assert re.fullmatch(r"[0-9a-f]{40}", version)
    assert create(tmp_path / "application.git") == version
    assert git(tmp_path / "application.git", "rev-list", "--count", "main") == "1"


def test_the_same_history_has_the_same_commits_anywhere(tmp_path: Path):
    there, elsewhere = tmp_path / "there.git", tmp_path / "else where.git"
    made = [[create(place), commit(place), commit(place, "build")] for place in (there, elsewhere)]
    assert made[0] == made[1]


def test_a_creation_that_was_cut_before_its_commit_is_finished(tmp_path: Path):
    cut = tmp_path / "application.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(cut))
    assert create(cut) == create(tmp_path / "whole.git")


def test_the_variables_of_a_git_hook_do_not_lead_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another.git"))
    version = create(tmp_path / "application.git")
    monkeypatch.delenv("GIT_DIR")
    assert head(tmp_path / "application.git") == version


def test_a_commit_needs_a_repository(tmp_path: Path):
    with pytest.raises(RehearsalError, match=r"holds no application\. Nothing was changed\. Run "):
        commit(tmp_path / "nowhere")


# --- commits ---


def test_each_commit_shows_the_next_edition_and_every_second_one_migrates(repository: Path):
    versions = [commit(repository) for _ in range(4)]
    assert [edition(repository, version) for version in versions] == [2, 3, 4, 5]
    journals = [read_journal(check_out(repository, version)) for version in versions]
    assert [len(journal) for journal in journals] == [4, 4, 5, 5]


def test_a_migration_changes_schema_and_queries_with_it(repository: Path):
    version = commit(repository)
    assert changed_paths(repository, f"{version}~1", version) == {
        "packages/content/src/greeting.js",
        "packages/db/src/notes.js",
        "packages/db/src/schema/notes.ts",
        f"{MIGRATIONS}/0003_note_label_2.sql",
        f"{MIGRATIONS}/meta/0003_snapshot.json",
        f"{MIGRATIONS}/meta/_journal.json",
    }


def test_every_commit_passes_the_applications_own_checks(repository: Path):
    versions = [head(repository), commit(repository), commit(repository)]
    assert [failing_checks(check_out(repository, version)) for version in versions] == [[], [], []]


def test_the_journal_keeps_drizzles_rules_over_many_commits(repository: Path):
    before = check_out(repository, head(repository))
    folders = [
        check_out(repository, commit(repository, fault))
        for fault in (None, "migration", None, None, "migration", None)
    ]
    after = folders[-1]
    assert hashes(after)[: len(hashes(before))] == hashes(before)
    assert [entry["idx"] for entry in read_journal(after)] == [0, 1, 2, 3, 4]
    snapshots = read_snapshots(after)
    ids = [snapshot["id"] for snapshot in snapshots]
    assert [snapshot["prevId"] for snapshot in snapshots[1:]] == ids[:-1]
    for folder in folders:
        moments = [entry["when"] for entry in read_journal(folder)]
        assert moments == sorted(set(moments))


def test_a_migration_that_was_taken_back_lends_its_moment_to_no_other(repository: Path):
    faulty = read_journal(check_out(repository, commit(repository, "migration")))[-1]
    commit(repository)
    sound = read_journal(check_out(repository, commit(repository)))[-1]
    assert faulty["idx"] == sound["idx"]
    assert faulty["when"] < sound["when"]


def test_a_persons_commit_stays_under_the_ones_that_follow(repository: Path):
    folder = check_out(repository, head(repository))
    (folder / "NOTES.md").write_text("by hand\n")
    push_by_hand(folder, "Write a note")
    for fault in ("health", None):
        assert git(repository, "show", f"{commit(repository, fault)}:NOTES.md") == "by hand"


def test_a_place_that_a_person_removed_is_named(repository: Path):
    folder = check_out(repository, head(repository))
    (folder / "apps/web/Dockerfile").unlink()
    push_by_hand(folder, "Do without an image")
    before = head(repository)
    with pytest.raises(RehearsalError, match="has no `apps/web/Dockerfile`"):
        commit(repository, "build")
    assert head(repository) == before


@pytest.mark.parametrize(
    ("check", "path", "spoiled"),
    [
        ("scripts/check-format.js", "packages/content/src/spoiled.js", "// a space at the end \n"),
        ("scripts/check-syntax.js", "packages/content/src/spoiled.js", "const a = ;\n"),
        (
            "scripts/check-imports.js",
            "packages/content/src/spoiled.js",
            'export * from "../../../apps/web/src/body.js";\n',
        ),
        (
            "scripts/check-environment.js",
            "packages/content/src/spoiled.js",
            "export const a = process.env.UNHEARD_OF;\n",
        ),
        ("scripts/check-migrations.js", f"{MIGRATIONS}/0003_stray.sql", "SELECT 1;\n"),
    ],
)
def test_each_check_finds_what_it_is_for(repository: Path, check: str, path: str, spoiled: str):
    folder = check_out(repository, head(repository))
    (folder / path).write_text(spoiled)
    assert failing_checks(folder) == [check]


# --- kinds ---


def test_the_other_kind_takes_over_on_the_same_history(tmp_path: Path):
    repository = tmp_path / "application.git"
    create(repository)
    plain = commit(repository)
    served_by_next = create(repository, "next")
    assert create(repository, "next") == served_by_next
    assert git(repository, "rev-parse", f"{served_by_next}~1") == plain
    assert all(
        path.startswith("apps/web/") for path in changed_paths(repository, plain, served_by_next)
    )
    back = create(repository, "plain")
    assert changed_paths(repository, plain, back) == set()


def test_next_passes_the_same_checks_and_takes_the_same_faults(tmp_path: Path):
    repository = tmp_path / "application.git"
    versions = [create(repository, "next"), commit(repository), commit(repository, "health")]
    assert [failing_checks(check_out(repository, version)) for version in versions] == [[], [], []]
    assert "prerender.js" in git(
        repository, "show", f"{commit(repository, 'build')}:apps/web/Dockerfile"
    )


def test_the_lock_file_names_no_registry(tmp_path: Path):
    version = create(tmp_path / "application.git", "next")
    lock = git(tmp_path / "application.git", "show", f"{version}:apps/web/package-lock.json")
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 20


# --- faults ---


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        ("health", SETTINGS),
        ("start", "apps/web/Dockerfile"),
        ("migration", f"{MIGRATIONS}/0003_model_sku.sql"),
        ("quality", "packages/content/src/greeting.js"),
        ("build", "apps/web/Dockerfile"),
    ],
)
def test_a_fault_is_taken_back_by_the_next_commit(repository: Path, fault: Fault, path: str):
    begin = head(repository)
    faulty = commit(repository, fault)
    assert path in changed_paths(repository, begin, faulty)
    repaired = commit(repository)
    assert changed_paths(repository, begin, repaired) == {"packages/content/src/greeting.js"}
    assert edition(repository, repaired) == 3


def test_a_fault_follows_a_fault_without_adding_to_it(repository: Path):
    faulty = [commit(repository, fault) for fault in get_args(Fault)]
    settings = [git(repository, "show", f"{version}:{SETTINGS}") for version in faulty]
    with_it = [
        fault
        for fault, text in zip(get_args(Fault), settings, strict=True)
        if "SEARCH_REGION" in text
    ]
    assert with_it == ["health"]


def test_only_the_quality_fault_fails_the_applications_own_checks(repository: Path):
    failing = {
        fault: failing_checks(check_out(repository, commit(repository, fault)))
        for fault in get_args(Fault)
    }
    assert {fault: checks for fault, checks in failing.items() if checks} == {
        "quality": ["scripts/test.js"]
    }


def test_the_health_fault_starts_and_answers_but_never_gets_healthy(repository: Path):
    faulty = check_out(repository, commit(repository, "health"))
    with serving(faulty, NODE_ENV="production") as server:
        assert server.ask("/")[0] == 200
        assert server.ask("/api/health")[0] == 500
        assert "not set in production: SEARCH_REGION" in server.log.read_text()
    with serving(faulty, NODE_ENV="production", SEARCH_REGION="us-central1") as server:
        assert server.health()[1]["status"] == "unhealthy"
