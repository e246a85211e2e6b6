"""The environment's file: what it takes, and the one sentence it answers otherwise."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from rollout.config import (
    LONGEST_BAKE_S,
    DryRunPolicy,
    MigrationPolicy,
    MigrationRules,
    parse_environment,
)
from rollout.errors import ConfigInvalid
from rollout.executors.files import ENVIRONMENTS, read_environment
from tasks.lease import WAIT_S
from tests.support.values import SMALL_ENVIRONMENT

if TYPE_CHECKING:
    from pydantic import BaseModel

MINIMAL = SMALL_ENVIRONMENT + "\n[secrets]\n"


def test_a_minimal_file_gets_the_documented_defaults():
    environment = parse_environment("small.toml", MINIMAL)

    assert environment.branch == "main"
    assert environment.quality.checks == ()
    assert environment.application.drain_timeout_s == 30
    assert environment.migrations.table == "__drizzle_migrations"
    assert environment.verify.healthy == "healthy"


REHEARSED = tomllib.loads((ENVIRONMENTS / "rehearsal.toml").read_text())["migrations"]


@pytest.mark.parametrize(
    ("section", "kind"),
    [("policy", MigrationPolicy), ("rules", MigrationRules), ("dry-run", DryRunPolicy)],
)
def test_the_rehearsals_file_names_every_one_of_a_section(section: str, kind: type[BaseModel]):
    assert list(REHEARSED[section]) == [name.replace("_", "-") for name in kind.model_fields]


@pytest.mark.parametrize(
    ("section", "default", "others"),
    [
        ("rules", MigrationRules(), {"data-refuses", "not-null-without-default"}),
        ("dry-run", DryRunPolicy(), {"contract-break"}),
    ],
)
def test_the_faulty_commit_of_the_rehearsal_is_to_fail_at_the_server_not_before(
    section: str, default: MigrationRules | DryRunPolicy, others: set[str]
):
    said = REHEARSED[section]

    assert {rule for rule in said if said[rule] != default.consequence(rule)} == others


def test_what_a_file_says_of_the_dry_run_is_what_is_chosen():
    chosen = read_environment("rehearsal").migrations.dry_run

    said = REHEARSED["dry-run"]
    assert {rule: chosen.consequence(rule) for rule in said} == said


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (('folder = "migrations"', 'folder = "m"\npolicy = { drift = "warn" }'), "drift is not a"),
        (('folder = "migrations"', 'folder = "m"\npolicy = { crlf = "no" }'), "policy.crlf Input"),
        (
            ('folder = "migrations"', 'folder = "m"\nrules = { drop = "warn" }'),
            "rules.drop is not a",
        ),
        (
            ('folder = "migrations"', 'folder = "m"\nrules = { rename = "no" }'),
            "rules.rename Input",
        ),
        (("name = ", "name == "), "is no TOML"),
        (('[verify]\nurl = "https://app.example/health"', ""), "verify is missing"),
        (("[secrets]", 'colour = "blue"\n[secrets]'), "verify.colour is not a known key"),
        (('"compose.yml"', '"../compose.yml"'), "application.compose"),
        (('"compose.yml"', '"/compose.yml"'), "should be a path inside the repository"),
        (('"compose.yml"', '"--file"'), "should be a path inside the repository"),
        (("[secrets]", '[secrets]\n"A-B" = "x"'), "secrets.A-B"),
        (("[secrets]", "[application.more]\n[secrets]"), "application.more is not a known key"),
        (('url = "https', 'url = "ftp'), "verify.url"),
        (("[verify]", "[verify]\nwatch_rate_per_s = -1"), "verify.watch_rate_per_s"),
        (("[verify]", "[verify]\nwatch_rate_per_s = 51"), "verify.watch_rate_per_s"),
        (("[verify]", "[verify]\nbake_s = 1201"), "verify.bake_s"),
        (
            ("[verify]", '[hosts]\nfurther = ["b"]\n[verify]\nbake_s = 601'),
            "verify.bake_s is done twice with hosts.further: at most 600",
        ),
        (("[verify]", '[verify]\naddress = "10.0.0.2:0"'), "should be HOST or HOST:PORT"),
        (("[verify]", '[verify]\naddress = "10.0.0.2:65536"'), "out of range"),
        (("[verify]", '[verify]\naddress = "https://10.0.0.2"'), "verify.address"),
        (
            ('folder = "migrations"', 'folder = "m"\ncommand = ["migrate"]'),
            "neither goes without the other",
        ),
        (('folder = "migrations"', 'folder = "m"\nby = "command"'), "neither goes without"),
        (
            ('folder = "migrations"', 'folder = "m"\nby = "command"\ncommand = ["migrate"]'),
            "needs table_schema and table",
        ),
        (
            ("[migrations]", 'secret_args = { DSN = "other" }\n[migrations]'),
            "build.secret_args.DSN names other, which [secrets] lacks",
        ),
        (
            ("[migrations]", 'args = { A = "1" }\nsecrets = { A = "a" }\n[migrations]'),
            "A stands in two of args, secret_args and secrets",
        ),
        (
            ("[migrations]", 'builder = "engine"\nsecrets = { A = "a" }\n[migrations]'),
            "secrets need buildx",
        ),
        (
            ("[secrets]", '[settings]\nA = "1"\n[secrets]\nA = "a"'),
            "A stands in [secrets] and in [settings]",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_path(edit: tuple[str, str], problem: str):
    with pytest.raises(ConfigInvalid) as raised:
        parse_environment("small.toml", MINIMAL.replace(*edit))

    assert raised.value.path == "small.toml"
    assert problem in str(raised.value)
    assert len(raised.value.true.splitlines()) == 1


def test_a_rollback_waits_longer_than_anything_may_bake():
    assert LONGEST_BAKE_S + 600 <= WAIT_S


CHECKS = """
[[quality.checks]]
name = "{first}"
run = ["true"]
needs = [{needs}]

[[quality.checks]]
name = "{second}"
run = ["true"]
"""


@pytest.mark.parametrize(
    ("first", "needs", "second", "problem"),
    [
        ("test", '"build"', "build", "check test needs build, which no earlier one is"),
        ("test", '"test"', "build", "check test needs test, which no earlier one is"),
        ("test", "", "test", "two checks are called test"),
        ("test", "", "variables", "a check is called variables, as quality's own is"),
    ],
)
def test_checks_form_no_circle(first: str, needs: str, second: str, problem: str):
    text = MINIMAL + CHECKS.format(first=first, needs=needs, second=second)

    with pytest.raises(ConfigInvalid, match=problem):
        parse_environment("small.toml", text)


@pytest.mark.parametrize("path", sorted(ENVIRONMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_shipped_environments_are_valid(path):
    assert read_environment(path.stem).name == path.stem


@pytest.mark.parametrize("name", ["", "../etc/passwd", "--help", "Production", "a b", "x" * 64])
def test_a_name_that_is_no_name_reads_no_file(name: str):
    with pytest.raises(ConfigInvalid, match="should be lower-case letters"):
        read_environment(name)


def test_an_unknown_environment_is_told_with_the_known_ones():
    with pytest.raises(ConfigInvalid, match=r"deployments/nowhere.toml does not exist; known are"):
        read_environment("nowhere")


def test_a_file_that_describes_another_environment_is_refused(tmp_path):
    (tmp_path / "other.toml").write_text(MINIMAL)

    with pytest.raises(ConfigInvalid, match="name should be 'other', not 'small'"):
        read_environment("other", tmp_path)
