"""A stack that is not Trovella's goes the same way: Python, two containers, its own migrations."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from blocks import load_gcp_project
from blocks.app_database import AppDatabase
from blocks.target_host import TargetHost
from infra.rehearsal.google import stored
from infra.rehearsal.google_rules import Version
from rollout.executors.files import read_environment
from tests.support.database import Scratch, scratch_database
from tests.support.vm import bare_vm
from tests.support.world import ROOT, facts, probing

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.rehearsal

NOTES = read_environment("notes")
ADDRESS = "10.77.0.69"
SOURCE = ROOT / "infra/rehearsal/notes"
DEPLOY = "from flows.deploy import deploy; import sys; deploy(sys.argv[1], 'notes', dry_run={})"
ROLL_BACK = "from flows.rollback import rollback; rollback('a test', 'notes')"


def run(*words: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def python_image(folder: Path) -> None:
    """Give the engine that builds an image of this machine's Python with psycopg."""
    python = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    packages = Path(psycopg.__file__).parents[1]
    names = ("psycopg", "psycopg_binary", "psycopg_binary.libs", "typing_extensions.py")
    root = folder / "root"
    # With the shared libraries that the program and its modules name.
    needed = (python, library / "lib-dynload", *(packages / name for name in names))
    run("bash", ROOT / "infra/rehearsal/images/assemble", root, *needed)
    unused = shutil.ignore_patterns(
        "lib-dynload", "site-packages", "test", "config-*", "__pycache__"
    )
    inside = root / library.relative_to("/")
    shutil.copytree(library, inside, ignore=unused, dirs_exist_ok=True)
    (root / "usr/bin").mkdir(parents=True, exist_ok=True)
    if python != Path("/usr/bin/python3"):
        (root / "usr/bin/python3").symlink_to(python)
    dockerfile = f"FROM busybox:1\nCOPY root/ /\nENV PYTHONPATH={packages}\n"
    (folder / "Dockerfile").write_text(dockerfile)
    run("docker", "build", "--quiet", "--tag", "python-psycopg:3", folder)


class Repository:
    """The application's repository, where git fetches it."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "notes"
        shutil.copytree(SOURCE, self.work)
        self.bare = Path(facts()["app_repository"]).parent / "notes.git"
        run("git", "init", "--quiet", "--initial-branch", "main", self.work)
        run("git", "init", "--quiet", "--bare", "--initial-branch", "main", self.bare)

    def commit(self, message: str, **migrations: str) -> str:
        for name, text in migrations.items():
            (self.work / "migrations" / f"{name}.sql").write_text(text)
        who = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
        run("git", "add", "--all", cwd=self.work)
        run("git", *who, "commit", "--quiet", "--message", message, cwd=self.work)
        run("git", "push", "--quiet", self.bare, "main", cwd=self.work)
        return self.head()

    def head(self) -> str:
        return run("git", "rev-parse", "HEAD", cwd=self.work)

    def forget(self, migration: str) -> None:
        """Take a migration away again, with the next commit."""
        (self.work / "migrations" / f"{migration}.sql").unlink()


@contextmanager
def standing(folder: Path) -> Generator[tuple[Repository, Scratch]]:
    """Yield what the environment's file leads to: a bare VM, a database, blocks, a repository."""
    python_image(folder / "image")
    with bare_vm("notes", ADDRESS) as vm, scratch_database() as database:
        secret = f"projects/{facts()['secrets_project']}/secrets/{NOTES.secrets['DATABASE_URL']}"
        with stored(Path(facts()["google_store"])) as store:
            store.secrets[secret] = [Version("ENABLED", database.url)]
        address = vm.address
        host = TargetHost.model_validate(
            {
                "host": address.host,
                "user": address.user,
                "private_key": address.private_key.reveal(),
                "host_key": address.host_key,
            }
        )
        project = load_gcp_project(NOTES.blocks.gcp_project)
        host.save(NOTES.blocks.target_host, overwrite=True)
        own = AppDatabase(gcp=project, url_secret=NOTES.secrets["DATABASE_URL"])
        own.save(NOTES.blocks.app_database, overwrite=True)
        repository = Repository(folder)
        try:
            yield repository, database
        finally:
            shutil.rmtree(repository.bare)


def deploy(commit: str, *, dry_run: bool = False) -> subprocess.CompletedProcess[str]:
    """Deploy a commit of the notes."""
    return flow(DEPLOY.format(dry_run), commit)


def flow(text: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a flow as a worker does whose machine has Python and psycopg."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-c", text, *words],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Repository, Scratch]]:
    """A stack that has its first release."""
    folder = tmp_path_factory.mktemp("stack")
    (folder / "image").mkdir()
    with standing(folder) as (repository, database):
        demand(deploy(repository.commit("Begin")))
        yield repository, database


def demand(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def serving() -> str:
    return httpx.get(NOTES.verify.url).json()["version"]


def applied(database: Scratch) -> list[str]:
    return [name for (name,) in database.ask("select name from applied_migration order by 1")]


def test_a_release_with_a_migration_goes_out_without_a_loss_and_is_taken_back(
    stack: tuple[Repository, Scratch],
):
    repository, database = stack
    first = serving()
    assert first == repository.head()
    assert httpx.get(f"http://{ADDRESS}/notes").json() == ["the first note"]
    done_by = "ALTER TABLE note ADD COLUMN done boolean NOT NULL DEFAULT false;\n"
    second = repository.commit("Let notes be done", **{"0002_done": done_by})

    with probing(NOTES.verify.url) as probe:
        demand(deploy(second))

    assert serving() == second
    assert probe.result()["sent"] > 50
    assert probe.result()["lost"] == 0, probe.result()
    assert applied(database) == ["0001_note.sql", "0002_done.sql"]
    seen = run(ROOT / "bin/doctor", "--environment", "notes")
    assert f"({second[:12]}, verified)" in seen
    assert "2 migrations applied" in seen

    # As a database is that was restored to an earlier time.
    database.ask("alter table note drop column done")
    database.ask("delete from applied_migration where name = '0002_done.sql'")
    demand(deploy(second))

    assert applied(database) == ["0001_note.sql", "0002_done.sql"]
    assert database.ask("select done from note") == [(False,)]

    demand(flow(ROLL_BACK))

    assert serving() == first
    assert httpx.get(f"http://{ADDRESS}/notes").json() == ["the first note"]


def test_a_command_that_fails_leaves_the_release_and_the_database(
    stack: tuple[Repository, Scratch],
):
    repository, database = stack
    before, held = serving(), applied(database)
    broken = {"0003_broken": "CREATE TABLE half (id int); SELECT 1 / 0;\n"}

    done = deploy(repository.commit("Break it", **broken))

    told = done.stdout + done.stderr
    assert done.returncode == 1
    assert "the application's own command for its migrations failed" in told
    assert "the release that served before still serves" in told
    assert "next: Correct the migration" in told
    assert applied(database) == held
    assert database.ask("select to_regclass('half')") == [(None,)]
    assert serving() == before
    repository.forget("0003_broken")


def test_a_commit_that_does_not_know_what_the_database_holds_is_refused(
    stack: tuple[Repository, Scratch],
):
    repository, database = stack
    database.ask("insert into applied_migration values ('0004_other')")

    done = deploy(repository.commit("Go on", **{"0005_more": "SELECT 1;\n"}), dry_run=True)

    assert done.returncode == 1
    assert "unknown-migration" in done.stdout + done.stderr
    assert applied(database)[-1] == "0004_other"
