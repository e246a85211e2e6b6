"""squawk itself, as the project's own environment has it, and programs that are not it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollout.executors.squawk import LIMIT_S, find_squawk, second_opinions
from rollout.migrations.second_opinion import Opinion
from tests.support.migrations import migration

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.rehearsal

SQL = (
    "ALTER TABLE note DROP COLUMN body;--> statement-breakpoint\n"
    "CREATE INDEX i ON note (title);--> statement-breakpoint\n"
    "ALTER TABLE note ADD COLUMN n int;"
)
WHY = "squawk gave no second opinion, which nothing depends on: "


def asked(*texts: str, **options: object) -> tuple[list[tuple[int, str]] | None, list[str]]:
    """Return what was said, and what was warned of."""
    warned: list[str] = []
    pending = [migration(text, f"{n:04}_step") for n, text in enumerate(texts)]
    said = second_opinions(pending, warned.append, **options)  # pyright: ignore[reportArgumentType]
    return None if said is None else [(one.line, one.rule) for one in said], warned


def program(folder: Path, *lines: str) -> str:
    path = folder / "squawk"
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    path.chmod(0o755)
    return str(path)


def test_squawk_is_found_and_says_what_is_not_style():
    assert find_squawk() is not None
    assert asked(SQL) == (
        [(1, "ban-drop-column"), (2, "require-concurrent-index-creation")],
        [],
    )


def test_each_file_is_asked_for_by_itself():
    said = second_opinions([migration(SQL, "0000_a"), migration(SQL, "0001_b")], pytest.fail)

    assert said is not None
    assert [one.file for one in said] == ["0000_a.sql"] * 2 + ["0001_b.sql"] * 2
    assert said[0] == Opinion(
        "0000_a.sql", 1, "ban-drop-column", "Dropping a column may break existing clients."
    )


def test_a_file_that_is_no_transaction_is_not_taken_for_one():
    concurrently = "CREATE INDEX CONCURRENTLY i ON note (title);"

    assert asked(concurrently) == ([], [])
    (said, _) = asked("BEGIN;" + concurrently + "COMMIT;")
    assert said == [(1, "ban-concurrent-index-creation-in-transaction")]


def test_nothing_pending_is_nothing_said():
    assert asked() == ([], [])


def test_where_it_is_not_installed_nothing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_squawk() is None
    assert asked(SQL) == (None, [])
    there = program(tmp_path, "exit 0")
    assert find_squawk() == there


@pytest.mark.parametrize(
    ("line", "limit_s", "why"),
    [
        ("echo '[]'; exit 101", LIMIT_S, "exit status 101"),
        ("exit 0", LIMIT_S, "Expecting value: line 1 column 1 (char 0)"),
        ("echo '{\"a\": 1}'", LIMIT_S, "unknown form: "),
        ("exec sleep 60", 0.1, ""),
    ],
)
def test_a_broken_or_slow_one_is_one_line(line: str, limit_s: float, why: str, tmp_path: Path):
    said, warned = asked(SQL, SQL, program=program(tmp_path, line), limit_s=limit_s)

    assert said is None
    (told,) = warned
    assert told.startswith(f"{WHY}{why}")
    assert "\n" not in told


def test_a_program_that_is_gone_is_one_line(tmp_path: Path):
    assert asked(SQL, program=str(tmp_path / "squawk")) == (None, [f"{WHY}exit status 127"])
