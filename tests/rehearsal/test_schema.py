"""Schema contracts through the whole pipeline: kept with a release, and asked afterwards.

One world, in order: each test goes on where the one before it ended. A column comes and goes by
hand, as it does where somebody repairs a database at night.
"""

from __future__ import annotations

import json
import secrets
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from infra.rehearsal.facts import DATABASE_ROLE
from infra.rehearsal.google import stored
from rollout.migrations.contract_json import fingerprint, parse_contract
from tests.support.world import commit, facts, on_host, trigger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollout.model.contract import Contract

pytestmark = pytest.mark.rehearsal

MAIL = "trovella-resend-api-key"


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


def deployed() -> int:
    """Deploy the next commit and return its release."""
    run = trigger("deploy", commit=commit())
    assert run.exit_code == 0, run.log
    return described()["number"]


@dataclass(frozen=True, slots=True)
class Releases:
    """Two releases, the newer of which knows a column that the older one does not."""

    older: int
    newer: int


@pytest.fixture(scope="module")
def releases() -> Iterator[Releases]:
    older = deployed()
    ask("alter table note add column spare text")
    try:
        yield Releases(older, deployed())
    finally:
        ask("alter table note drop column if exists spare")


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
    with stored(Path(facts()["google_store"])) as there:
        name = f"projects/{facts()['secrets_project']}/secrets/{MAIL}"
        there.add(name, secrets.token_hex(12))
    run = trigger("sync-secrets")
    assert run.exit_code == 0, run.log

    renewed = described()
    assert renewed["number"] == releases.newer + 1
    assert renewed["contract"] == described(releases.newer)["contract"]
    assert contract_text(renewed["number"]) == contract_text(releases.newer)
