"""Schema contracts through the whole pipeline: kept with a release, and asked afterwards.

One world, in order: each test goes on where the one before it ended. A column comes and goes by
hand, as it does where somebody repairs a database at night.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from blocks.target_host import TargetHost
from infra.rehearsal.facts import DATABASE_ROLE
from rollout.migrations.contract_json import fingerprint, parse_contract
from tests.support import blocks
from tests.support.github import world_github
from tests.support.scratch import scratch_names
from tests.support.secret_store import add, disabled
from tests.support.world import (
    Run,
    commit,
    commit_that,
    commit_with,
    configured,
    facts,
    on_host,
    serving_version,
    tool,
    trigger,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from rollout.model.contract import Contract
    from tests.support.github import StandIn

pytestmark = pytest.mark.rehearsal

MAIL = "trovella-resend-api-key"
NOBODY = "10.77.0.59"


def ask(query: str) -> list[tuple[Any, ...]]:
    """Ask the application's database as its own role, and return the rows."""
    with closing(psycopg.connect(facts()["database_url"], autocommit=True)) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


def described(number: int | str = "current") -> dict[str, Any]:
    folder = "current" if number == "current" else f"releases/{number}"
    return json.loads(on_host(f"cat /opt/trovella/{folder}/release.json"))


def contract_text(number: int) -> str:
    return on_host(f"cat /opt/trovella/releases/{number}/contract.json")


def contract_of(number: int) -> Contract:
    return parse_contract(contract_text(number))


def knows_spare(contract: Contract) -> bool:
    note = contract.relation("public.note")
    assert note is not None
    return note.column("spare") is not None


def assert_refused(run: Run, served: str, *words: str) -> None:
    """The plan refused in three parts that name `words`, and `served` still serves."""
    assert (run.exit_code, run.state) == (1, "Failed"), run.log
    assert run.tasks["migrate-prod: plan"] == "Failed"
    assert run.tasks.get("migrate-prod") in {None, "NotReady"}
    for word in (*words, "\nleft: Nothing was changed.", "\nnext: "):
        assert word in run.message, run.message
    assert serving_version() == served


def take_back() -> None:
    """Let the branch end in a commit without the migration that was refused."""
    commit()


def deployed(version: str) -> tuple[int, str]:
    """Deploy a commit and return its release, and the run's log."""
    run = trigger("deploy", commit=version)
    assert run.exit_code == 0, run.log
    return described()["number"], run.log


@dataclass(frozen=True, slots=True)
class Releases:
    """Two releases, the newer of which knows a column that the older one does not.

    Attributes:
        older: The one.
        newer: The other.
        log: What both runs wrote.
        left: The scratch databases that both runs left on their server.
    """

    older: int
    newer: int
    log: str
    left: set[str]


@pytest.fixture(scope="module")
def releases() -> Iterator[Releases]:
    before = scratch_names(facts()["scratch_url"])
    older, log = deployed(commit_that(brings_migration=True))
    ask("alter table note add column spare text")
    newest = 2**62  # until it is known, no row is too new
    try:
        # What `take_back` publishes, two editions later each, then brings none.
        newer, more = deployed(commit_that(brings_migration=False))
        ((newest,),) = ask("select max(created_at) from drizzle.__drizzle_migrations")
        left = scratch_names(facts()["scratch_url"]) - before
        yield Releases(older, newer, log + more, left)
    finally:
        ask("alter table note drop column if exists spare")
        # The next commit of this world does not know the migration that was applied.
        ask(f"delete from drizzle.__drizzle_migrations where created_at > {newest}")


def test_the_contract_lies_with_the_release_and_its_fingerprint_in_the_description(
    releases: Releases,
):
    contract = contract_of(releases.newer)

    assert described(releases.newer)["contract"] == fingerprint(contract)
    assert contract.role == DATABASE_ROLE
    names = [relation.name for relation in contract.relations]
    assert {"public.ai_model", "public.note"} <= set(names)
    assert [name for name in names if name.startswith(("drizzle.", "deploy."))] == []
    assert knows_spare(contract)
    assert not knows_spare(contract_of(releases.older))


def test_the_migrations_were_tried_on_a_copy_first_and_led_where_the_live_schema_is(
    releases: Releases,
):
    assert re.search(r"scratch copy: \w+ applied in ", releases.log)
    for told in ("no-dry-run", "scratch-differs", "schema-drift", "could not be dropped"):
        assert told not in releases.log
    assert releases.left == set()


def test_what_no_rule_sees_is_refused_by_the_contract_of_the_code_that_serves(releases: Releases):
    """The statement is opaque, and is seen to take away a column that the serving code names."""
    drop = 'DO $$ BEGIN ALTER TABLE "note" DROP COLUMN IF EXISTS "spare"; END $$;'
    applied = ask("select count(*) from drizzle.__drizzle_migrations")
    served = serving_version()

    with configured(contract_break="refuse"):
        run = trigger("deploy", commit=commit_with("drop_spare", drop))
    take_back()

    assert_refused(run, served, "the code that serves now: ", "`accept` naming column-gone")
    assert "public.note.spare" in run.message
    assert ask("select count(*) from drizzle.__drizzle_migrations") == applied
    assert ask("select count(spare) from note") == [(0,)]
    assert described()["number"] == releases.newer


def test_rows_that_are_in_a_statements_way_refuse_it_before_anything_is_applied(
    releases: Releases,
):
    check = 'ALTER TABLE "note" ADD CONSTRAINT "welcome" CHECK ("body" <> \'unwelcome\');'
    first = "COMMENT ON TABLE \"note\" IS 'half applied';"
    applied = ask("select count(*) from drizzle.__drizzle_migrations")
    served = serving_version()
    ask("insert into note (body) values ('unwelcome')")

    try:
        with configured(data_refuses="refuse"):
            run = trigger("deploy", commit=commit_with("welcome", first, check))
    finally:
        ask("delete from note where body = 'unwelcome'")
        take_back()

    told = "that break the check welcome, for instance in the row with id "
    assert_refused(run, served, "(SQLSTATE 23514)", told, "`accept` naming data-refuses")
    assert ask("select count(*) from drizzle.__drizzle_migrations") == applied
    assert ask("select obj_description('note'::regclass)") == [(None,)]
    assert described()["number"] == releases.newer


def test_the_marker_before_the_migrations_has_the_contract_of_then(releases: Releases):
    found = ask("select contract from deploy.migration_marker order by id")

    assert found
    assert all(len(contract) == 64 for (contract,) in found)


def test_a_deploy_of_the_same_commit_finds_the_same_contract(releases: Releases):
    run = trigger("deploy", commit=described()["version"]["sha"])

    assert run.exit_code == 0, run.log
    assert described()["number"] == releases.newer


def test_new_secrets_leave_the_contract_of_the_code_as_it_was(releases: Releases):
    ask("alter table note drop column spare")
    add(MAIL, secrets.token_hex(12))
    run = trigger("sync-secrets")
    assert run.exit_code == 0, run.log

    renewed = described()
    assert renewed["number"] == releases.newer + 1
    assert renewed["contract"] == described(releases.newer)["contract"]
    assert contract_text(renewed["number"]) == contract_text(releases.newer)


# --- asked afterwards: the column is gone ---


def test_what_knew_the_column_breaks_and_what_did_not_may_serve(releases: Releases):
    older, newer = (schema("compare", str(one)) for one in (releases.older, releases.newer))

    assert older.returncode == 0, older.stderr
    version = described(releases.older)["version"]["sha"][:12]
    assert older.stdout == f"release {releases.older} ({version}): OK\n"
    assert newer.returncode == 1, newer.stderr
    first, _, reason, consequence, advice = newer.stdout.splitlines()
    assert first.endswith("): BREAK")
    assert reason == "BREAK column-gone: public.note.spare"
    assert consequence.startswith("  consequence: ")
    assert advice.startswith("  help: ")


def test_a_comparison_as_json_by_the_commit(releases: Releases):
    version = described()["version"]["sha"]
    done = schema("compare", version[:9], "--json")

    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert (said["release"], said["version"]) == (described()["number"], version)
    assert [one["rule"] for one in said["reasons"]] == ["column-gone"]


def test_a_release_without_a_contract_is_told_and_the_others_are_judged(releases: Releases):
    folder = f"/opt/trovella/releases/{releases.older}"
    text = on_host(f"cat {folder}/contract.json")
    on_host(f"mv {folder}/contract.json /opt/trovella/contract.kept")
    try:
        table, said = schema("candidates"), schema("candidates", "--json")
        alone = schema("compare", str(releases.older))
    finally:
        on_host(f"mv /opt/trovella/contract.kept {folder}/contract.json")

    assert (table.returncode, said.returncode) == (0, 0), table.stderr + said.stderr
    serving = described()["number"]
    told = {one["number"]: one for one in json.loads(said.stdout)["releases"]}
    assert list(told) == sorted(told, reverse=True)
    assert [number for number, one in told.items() if one["serves"]] == [serving]
    assert (told[serving]["grade"], told[releases.newer]["grade"]) == ("BREAK", "BREAK")
    assert told[releases.older]["grade"] is None
    lines = table.stdout.splitlines()
    assert lines[1].split()[:2] == ["serves", str(serving)]
    assert lines[1].endswith("BREAK  column-gone public.note.spare")
    assert any(
        line.endswith(f"no contract: release {releases.older} has no schema contract")
        for line in lines
    )
    assert_no_answer(alone, f"release {releases.older} has no schema contract")
    assert contract_text(releases.older) == text


def test_the_corrective_migration_brings_the_column_back_and_is_only_printed(releases: Releases):
    done = schema("corrective", str(releases.newer), "--json")

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["release"], said["offered"]) == (releases.newer, True)
    (restored,) = said["restored"]
    assert restored["rule"] == "column-gone"
    assert restored["statements"] == ['alter table public.note add column "spare" text']
    assert restored["lost"].startswith("the values that it held do not come back")
    (text,) = said["files"].values()
    assert 'add column "spare" text;' in text
    assert schema("compare", str(releases.newer)).returncode == 1
    nothing = schema("corrective", str(releases.older))
    assert nothing.returncode == 0, nothing.stderr
    assert nothing.stdout.endswith("nothing is broken, so nothing has to be corrected\n")


def test_what_cannot_be_answered_is_told(releases: Releases):
    assert_no_answer(schema("compare", "999999"), "the ledger has no release 999999")
    assert_no_answer(schema("corrective", "999999"), "the ledger has no release 999999")
    with blocks.without(TargetHost, "rehearsal-host"):
        assert_no_answer(schema("candidates"), "target-host/rehearsal-host")
    with blocks.changed("target-host/rehearsal-host", host=NOBODY):
        assert_no_answer(
            schema("compare", str(releases.newer)), f"no SSH session to deploy@{NOBODY}"
        )


@pytest.fixture(scope="module")
def repository() -> Iterator[StandIn]:
    stand_in = world_github()
    yield stand_in
    for branch in stand_in.branches():
        if branch.startswith("corrective/"):
            stand_in.git("update-ref", "-d", f"refs/heads/{branch}")


def proposed(repository: StandIn) -> list[dict[str, Any]]:
    return [one for one in repository.pulls if one["head"]["ref"].startswith("corrective/")]


def back(to: int, *accept: str, strategy: str = "auto", dry_run: bool = False) -> Run:
    return trigger(
        "rollback", to=str(to), strategy=strategy, reason="a test", accept=accept, dry_run=dry_run
    )


def test_a_break_names_the_strategy_that_repairs_it(releases: Releases):
    run = back(releases.newer)

    assert (run.exit_code, run.state) == (1, "Failed"), run.log
    assert f"bin/rollback {releases.newer} --strategy corrective --reason WHY" in run.message


def test_the_corrective_migration_is_proposed_and_changes_nothing(
    releases: Releases, repository: StandIn
):
    ledger = on_host("cat /opt/trovella/ledger.jsonl")

    told = back(releases.newer, "apply-corrective", strategy="corrective", dry_run=True)
    run = back(releases.newer, strategy="corrective")

    assert (told.exit_code, told.state) == (0, "DryRun"), told.log
    assert f"make release {releases.newer} serve" in told.message
    assert run.exit_code == 0, run.log
    (pull,) = proposed(repository)
    assert pull["html_url"] in run.message
    assert "- `column-gone` public.note.spare" in pull["body"]
    assert f"/{described(releases.newer)['version']['sha'][:12]}-" in pull["head"]["ref"]
    assert ask("select 1 from pg_attribute where attname = 'spare' and not attisdropped") == []
    assert on_host("cat /opt/trovella/ledger.jsonl") == ledger


def test_what_keeps_the_release_from_serving_is_asked_before_anything_is_applied(
    releases: Releases,
):
    version = described(releases.newer)["secret_versions"][MAIL]

    with disabled(MAIL, version):
        run = back(releases.newer, "apply-corrective", strategy="corrective")

    assert (run.exit_code, run.state) == (1, "Failed"), run.log
    assert (
        f"version {version} of {MAIL}, which release {releases.newer} was made with" in run.message
    )
    assert ask("select 1 from pg_attribute where attname = 'spare' and not attisdropped") == []


def test_accepted_by_name_it_is_applied_and_the_release_serves(
    releases: Releases, repository: StandIn
):
    run = back(releases.newer, "apply-corrective", strategy="corrective")

    assert run.exit_code == 0, run.log
    assert described()["number"] == releases.newer
    assert ask("select spare from note limit 1") is not None
    pull = proposed(repository)[-1]
    assert pull["html_url"] in run.message
    (hashed,) = ask(
        "select hash from drizzle.__drizzle_migrations order by created_at desc limit 1"
    )
    added = repository.git("diff", "--name-only", f"{pull['head']['ref']}~", pull["head"]["ref"])
    (file,) = [name for name in added.split() if name.endswith(".sql")]
    text = repository.git("show", f"{pull['head']['ref']}:{file}")
    assert hashed == (hashlib.sha256(f"{text}\n".encode()).hexdigest(),)
    # What serves is not in the form's list, and the server refuses what is not in it.
    assert back(releases.newer, strategy="corrective").state == "NotStarted"


def test_a_release_without_a_contract_is_judged_by_what_its_migrations_lead_to(
    releases: Releases,
):
    folder = f"/opt/trovella/releases/{releases.older}"
    on_host(f"rm {folder}/contract.json")

    run = back(releases.older)

    assert run.exit_code == 0, run.log
    assert f"the contract of release {releases.older} is derived from its migrations" in run.log
    assert described()["number"] == releases.older
    derived = parse_contract(on_host(f"cat {folder}/derived-contract.json"))
    assert fingerprint(derived) == described(releases.older)["contract"]


def schema(*words: str) -> subprocess.CompletedProcess[str]:
    return tool("schema", *words, "--environment", "rehearsal")


def assert_no_answer(done: subprocess.CompletedProcess[str], true: str) -> None:
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    assert done.stderr.startswith("schema: ")
    for word in (true, "\nleft: ", "\nnext: "):
        assert word in done.stderr
