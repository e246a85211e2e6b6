"""`bin/schema judge` on folders of both layouts, with all that foreign ones bring along."""

from __future__ import annotations

import json
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest

from deployments.schema_judge import VARIABLE
from tests.support.world import ROOT, facts

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.rehearsal

MARK = "\n--> statement-breakpoint\n"
STEPS = {
    "0000_begin": MARK.join((
        "CREATE EXTENSION IF NOT EXISTS no_such_extension",
        "CREATE TYPE mood AS ENUM ('calm')",
        "CREATE TABLE person (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "
        "name varchar(20) NOT NULL UNIQUE, bio text, mood mood)",
        "CREATE TABLE pet (id serial PRIMARY KEY, person_id uuid REFERENCES person (id))",
    )),
    "0001_guarded": "DO $$ BEGIN CREATE TYPE mood AS ENUM ('calm'); "
    "EXCEPTION WHEN duplicate_object THEN null; END $$;",
    "0002_label": f"ALTER TYPE mood ADD VALUE 'busy';{MARK}UPDATE person SET mood = 'busy';",
    "0003_seed": "INSERT INTO person (name) VALUES ('a'), ('b'); DELETE FROM person;",
    "0004_index": "CREATE INDEX CONCURRENTLY pet_person ON pet (person_id);",
    "0005_required": "ALTER TABLE pet ADD COLUMN kind text NOT NULL;",
    "0006_opaque": "DO $$ BEGIN EXECUTE 'ALTER TABLE person ALTER bio SET NOT NULL'; END $$;",
    "0007_check": "ALTER TABLE person ADD CONSTRAINT short CHECK (length(name) < 3);",
    "0008_column": "ALTER TABLE person DROP COLUMN bio;",
    "0009_rights": "CREATE ROLE somebody SUPERUSER;",
}  # fmt: skip
BROKEN = "CREATE pet ();"


def v0(folder: Path, steps: dict[str, str], dialect: str = "postgresql") -> Path:
    (folder / "meta").mkdir(parents=True)
    entries = [{"idx": n, "when": 1000 * n, "tag": tag} for n, tag in enumerate(steps)]
    journal = {"dialect": dialect, "entries": entries}
    (folder / "meta/_journal.json").write_text(json.dumps(journal))
    for tag, text in steps.items():
        (folder / f"{tag}.sql").write_text(text)
    return folder


def v1(folder: Path, steps: dict[str, str]) -> Path:
    for number, text in enumerate(steps.values()):
        place = folder / f"2026010100{number:02}00_step"
        place.mkdir(parents=True)
        (place / "migration.sql").write_text(text)
    return folder


def judge(*words: object, url: str | None = None) -> subprocess.CompletedProcess[str]:
    address = facts()["database_admin_url"] if url is None else url
    env = {"PATH": "/usr/bin:/bin", VARIABLE: address}
    return subprocess.run(
        [ROOT / "bin/schema", "judge", *map(str, words)],
        capture_output=True, text=True, check=False, env=env,
    )  # fmt: skip


def on_server() -> set[str]:
    with psycopg.connect(facts()["database_admin_url"]) as connection:
        databases = "select datname::text from pg_database where datname like 'trovella_scratch_%'"
        roles = "select rolname::text from pg_roles where rolname like 'trovella_walk_%'"
        return {name for (name,) in connection.execute(f"{databases} union all {roles}".encode())}


@dataclass(frozen=True, slots=True)
class Said:
    steps: tuple[dict[str, Any], ...]
    summary: dict[str, Any]
    exit_code: int


def said(done: subprocess.CompletedProcess[str]) -> Said:
    *steps, last = (json.loads(line) for line in done.stdout.splitlines())
    return Said(tuple(steps), last["summary"], done.returncode)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Said:
    done = judge(v0(tmp_path_factory.mktemp("v0") / "drizzle", STEPS), "--json")
    assert done.stderr == ""
    return said(done)


def test_each_step_is_judged_and_shown_by_a_witness(walked: Said):
    told = {one["tag"][5:]: one for one in walked.steps}
    shown = {
        name: (one["relation"], one["witness"] and one["witness"]["sqlstate"])
        for name, one in told.items()
    }

    assert shown == {
        "begin": ("OK", None),
        "guarded": ("OK", None),
        "label": ("LOW", None),
        "seed": ("OK", None),
        "index": ("OK", None),
        "required": ("BREAK", "23502"),
        "opaque": ("BREAK", "23502"),
        "check": ("RISK", "23514"),
        "column": ("BREAK", "42703"),
        "rights": ("OK", None),
    }
    assert told["opaque"]["text"] == "unknown"
    assert told["column"]["rules"] == ["drop-column"]
    assert (told["index"]["tried"], told["seed"]["tried"]) == (0, 0)
    assert told["required"]["tried"] > 0


def test_what_the_server_does_not_take_is_left_out_by_name(walked: Said):
    left_out = {one["tag"]: one["left_out"] for one in walked.steps if one["left_out"]}

    assert list(left_out) == ["0000_begin", "0009_rights"]
    assert left_out["0000_begin"][0]["why"].startswith("extension no_such_extension: ")
    assert left_out["0009_rights"][0]["why"].endswith("(SQLSTATE 42501)")
    assert walked.exit_code == 0
    assert walked.summary["aims_hold"] is True
    assert (walked.summary["steps"], walked.summary["left_out"]) == (len(STEPS), 2)


def test_the_other_layout_is_judged_alike(walked: Said, tmp_path: Path):
    other = said(judge(v1(tmp_path / "drizzle", STEPS), "--json", "--steps", 6))

    grades = [one["relation"] for one in other.steps]
    assert grades == [one["relation"] for one in walked.steps[:6]]
    assert other.steps[0]["tag"] == "20260101000000_step"


def test_a_file_that_does_not_parse_is_told_and_the_walk_goes_on(tmp_path: Path):
    done = judge(v0(tmp_path / "x", {"0000_broken": BROKEN, "0001_a": "CREATE TABLE a (id int);"}))

    assert done.returncode == 1, done.stderr
    assert "  does not parse: 0000_broken.sql, statement 1, line 1\n" in done.stdout
    assert "OK    0001_a  text: -" in done.stdout
    assert "parts that do not parse: 1 (aim 0)" in done.stdout
    assert done.stdout.endswith("the aims do not hold\n")


def test_nothing_is_left_on_the_server_when_it_is_ended(tmp_path: Path):
    steps = {"0009_rights": STEPS["0009_rights"], "0010_long": "SELECT pg_sleep(25);"}
    words = [ROOT / "bin/schema", "judge", v0(tmp_path / "x", steps)]
    env = {"PATH": "/usr/bin:/bin", VARIABLE: facts()["database_admin_url"]}
    before = on_server()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env) as run:
        assert run.stdout
        while "0009_rights" not in run.stdout.readline():
            pass
        made = on_server() - before
        run.send_signal(signal.SIGTERM)
        run.stdout.read()

    assert run.returncode == 130
    assert len(made) == 4
    assert not made & on_server()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda folder: folder, "should be a folder of migrations"),
        (lambda folder: v0(folder, {}), "it has no migrations"),
        (lambda folder: folder.parent, "which migrations there are"),
        (lambda folder: v0(folder, {"0000_a": "select 1"}, "mysql"), "are for mysql"),
    ],
)
def test_what_is_no_folder_of_migrations_is_told(make: Any, told: str, tmp_path: Path):
    done = judge(make(tmp_path / "x"))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("schema: ")
    assert told in done.stderr


def test_a_server_must_be_named(tmp_path: Path):
    done = judge(v0(tmp_path / "x", STEPS), url="")

    assert (done.returncode, done.stdout) == (2, "")
    assert f"{VARIABLE}: is not set" in done.stderr


def test_an_environment_without_a_scratch_server_is_told(tmp_path: Path):
    done = judge(v0(tmp_path / "x", STEPS), "--environment", "rehearsal-fleet", url="")

    assert (done.returncode, done.stdout) == (2, "")
    told = "deployments/rehearsal-fleet.toml: names no scratch_database under [blocks]"
    assert told in done.stderr


def test_the_servers_user_need_be_no_superuser(tmp_path: Path):
    admin = urlsplit(facts()["database_admin_url"])
    login = f"judge_maker:x1y2@{admin.netloc.rpartition('@')[2]}"
    make = "create role judge_maker login createdb createrole password 'x1y2'"
    with psycopg.connect(admin.geturl(), autocommit=True) as connection:
        connection.execute(make)
        try:
            done = judge(
                v0(tmp_path / "x", {"0000_a": "CREATE TABLE a (id int); DROP TABLE a;"}),
                url=admin._replace(netloc=login).geturl(),
            )
        finally:
            # Refused where anything is left of it.
            connection.execute("drop role judge_maker")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("OK    0000_a")
